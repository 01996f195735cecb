package bitnet.corpus;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// The tokens of a document as they are in a shard, behind the size of its text: what goes from the
/// executor that tokenizes to the one that writes.
public final class EncodedDocument {
  private static final int HEAD_BYTES = Integer.BYTES;

  private EncodedDocument() {}

  /// Encodes the tokens of a document.
  ///
  /// @param textBytes of the text in UTF-8
  /// @param bytesPerToken 2 or 4
  public static byte[] of(int[] tokens, int textBytes, int bytesPerToken) {
    ByteBuffer bytes =
        ByteBuffer.allocate(HEAD_BYTES + Math.multiplyExact(tokens.length, bytesPerToken))
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(textBytes);
    for (int token : tokens) {
      if (bytesPerToken == Integer.BYTES) {
        bytes.putInt(token);
      } else {
        bytes.putChar((char) token);
      }
    }
    return bytes.array();
  }

  static int textBytes(byte[] document) {
    return ByteBuffer.wrap(document).order(ByteOrder.LITTLE_ENDIAN).getInt();
  }

  static ByteBuffer tokens(byte[] document) {
    return ByteBuffer.wrap(document).position(HEAD_BYTES);
  }
}
