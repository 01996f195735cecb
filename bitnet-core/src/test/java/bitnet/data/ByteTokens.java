package bitnet.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// UTF-8 bytes as tokens: the simplest real tokenizer, with and without an end of text.
final class ByteTokens {
  static final int END = 256;
  static final TokenEncoding PLAIN =
      new TokenEncoding(ByteTokens::encode, OptionalInt.empty(), 256);
  static final TokenEncoding WITH_END =
      new TokenEncoding(ByteTokens::encode, OptionalInt.of(END), 257);

  private ByteTokens() {}

  static int[] encode(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = bytes[i] & 0xFF;
    }
    return ids;
  }

  /// The bytes of a stream as text, an end of text as `|`.
  static String text(TokenStream tokens) {
    int[] ids = new int[Math.toIntExact(tokens.size())];
    tokens.copy(0, ids.length, ids, 0);
    byte[] bytes = new byte[ids.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (ids[i] == END ? '|' : ids[i]);
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  static TextDataset open(
      Path file, @Nullable TextFormat format, BadRecordPolicy policy, Path directory)
      throws IOException {
    return TextDataset.open(file, format, policy, WITH_END, directory);
  }
}
