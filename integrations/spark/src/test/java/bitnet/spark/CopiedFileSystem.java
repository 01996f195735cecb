package bitnet.spark;

import java.net.URI;
import org.apache.hadoop.fs.RawLocalFileSystem;

/// Files of this machine under the scheme `copied:`, which Hadoop knows by a setting only, as it
/// does those of an object store.
public final class CopiedFileSystem extends RawLocalFileSystem {
  @Override
  public URI getUri() {
    return URI.create("copied:///");
  }
}
