package bitnet.storage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Objects;

/// The text of a decoder, whose failures become one line that names the file.
final class DecodedStream extends InputStream {
  private static final int LONGEST_REASON = 300;

  private final Path file;
  private final ContentDecoder decoder;
  private final InputStream text;

  private DecodedStream(Path file, ContentDecoder decoder, InputStream text) {
    this.file = file;
    this.decoder = decoder;
    this.text = text;
  }

  /// @param content of the file, from its first byte
  static DecodedStream of(Path file, ContentDecoder decoder, InputStream content)
      throws IOException {
    try {
      return new DecodedStream(file, decoder, decoder.decode(file, content));
    } catch (IOException | RuntimeException damaged) {
      throw refusal(file, decoder, damaged);
    }
  }

  // libraries that read damaged content throw what they like
  private static IOException refusal(Path file, ContentDecoder decoder, Exception damaged) {
    String reason = Objects.requireNonNullElse(damaged.getMessage(), damaged.toString());
    return new IOException(
        "%s: its %s content cannot be read (%s); download or write the file again"
            .formatted(file, decoder.kind(), PrintableText.escape(reason, LONGEST_REASON)),
        damaged);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    try {
      return text.read(buffer, offset, length);
    } catch (IOException | RuntimeException damaged) {
      throw refusal(file, decoder, damaged);
    }
  }

  @Override
  public void close() throws IOException {
    text.close();
  }
}
