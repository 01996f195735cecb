package bitnet.decoder;

import bitnet.storage.ContentDecoder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/// Parquet files as JSON lines, one row a line.
public final class ParquetDecoder implements ContentDecoder {
  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  /// For [java.util.ServiceLoader].
  public ParquetDecoder() {}

  @Override
  public String kind() {
    return "Parquet";
  }

  @Override
  public boolean recognizes(byte... start) {
    return start.length >= MAGIC.length
        && Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
  }

  @Override
  public boolean isRecords() {
    return true;
  }

  @Override
  public InputStream decode(Path file, InputStream content) throws IOException {
    content.close();
    if (!Files.isRegularFile(file)) {
      throw new IOException("it is a pipe, and Parquet begins with its end");
    }
    return ParquetLines.open(file);
  }
}
