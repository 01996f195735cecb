package bitnet.storage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/// Files compressed with gzip, of one member or several.
final class GzipDecoder implements ContentDecoder {
  private static final int BUFFER = 1 << 16;

  @Override
  public String kind() {
    return "gzip";
  }

  @Override
  public boolean recognizes(byte... start) {
    return ForeignContent.GZIP.begins(start);
  }

  @Override
  public boolean isRecords() {
    return false;
  }

  @Override
  public InputStream decode(Path file, InputStream content) throws IOException {
    return new GZIPInputStream(content, BUFFER);
  }
}
