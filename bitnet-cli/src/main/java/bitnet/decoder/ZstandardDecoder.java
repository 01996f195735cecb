package bitnet.decoder;

import bitnet.storage.ContentDecoder;
import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;

/// Files compressed with Zstandard, of one frame or several, whose window is at most 128 MiB.
public final class ZstandardDecoder implements ContentDecoder {
  private static final byte[] MAGIC = {0x28, (byte) 0xB5, 0x2F, (byte) 0xFD};

  /// For [java.util.ServiceLoader].
  public ZstandardDecoder() {}

  @Override
  public String kind() {
    return "Zstandard";
  }

  @Override
  public boolean recognizes(byte... start) {
    return start.length >= MAGIC.length
        && Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
  }

  @Override
  public boolean isRecords() {
    return false;
  }

  @Override
  public InputStream decode(Path file, InputStream content) throws IOException {
    return new ZstdInputStreamNoFinalizer(content);
  }
}
