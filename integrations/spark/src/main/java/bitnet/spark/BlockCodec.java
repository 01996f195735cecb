package bitnet.spark;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/// Compresses blocks of bytes, whole or as what has changed in them: the changed bits are mostly
/// zeros. Of numbers of several bytes, the first bytes of all come first, as signs and exponents
/// are alike.
final class BlockCodec {
  private static final int HEADER = 6; // kind, width, length
  private static final byte WHOLE = 0;
  private static final byte CHANGES = 1;
  private static final int BUFFER = 1 << 16;

  private BlockCodec() {}

  /// A block as it is.
  ///
  /// @param width bytes of a number
  static byte[] whole(byte[] block, int width) {
    return compress(WHOLE, block, width);
  }

  /// A block by what has changed in it, or as it is where that is smaller; null if it is the same.
  ///
  /// @param former as [#whole] made it
  static byte @Nullable [] changed(byte[] block, byte[] former, int width) throws IOException {
    byte[] before = decoded(former, null);
    if (Arrays.equals(before, block)) {
      return null;
    }
    byte[] whole = whole(block, width);
    if (before.length != block.length) {
      return whole;
    }
    byte[] changes = compress(CHANGES, exclusiveOr(block, before), width);
    return changes.length < whole.length ? changes : whole;
  }

  /// The bytes of a block.
  ///
  /// @param former as [#whole] made it
  /// @param change as [#changed] made it
  /// @throws IOException if they are damaged
  static byte[] decoded(byte[] former, byte @Nullable [] change) throws IOException {
    if (change == null) {
      return expand(former);
    }
    byte[] bytes = expand(change);
    return change[0] == WHOLE ? bytes : exclusiveOr(bytes, expand(former));
  }

  private static byte[] exclusiveOr(byte[] a, byte[] b) {
    byte[] result = new byte[a.length];
    for (int i = 0; i < a.length; i++) {
      result[i] = (byte) (a[i] ^ b[i]);
    }
    return result;
  }

  private static byte[] compress(byte kind, byte[] block, int width) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(HEADER + block.length / 2);
    out.writeBytes(
        ByteBuffer.allocate(HEADER).put(kind).put((byte) width).putInt(block.length).array());
    byte[] buffer = new byte[BUFFER];
    try (Deflater deflater = new Deflater(Deflater.BEST_SPEED)) {
      deflater.setInput(planes(block, width));
      deflater.finish();
      while (!deflater.finished()) {
        out.write(buffer, 0, deflater.deflate(buffer));
      }
    }
    return out.toByteArray();
  }

  private static byte[] expand(byte[] compressed) throws IOException {
    ByteBuffer header = ByteBuffer.wrap(compressed, 1, HEADER - 1);
    int width = header.get();
    byte[] planes = new byte[header.getInt()];
    try (Inflater inflater = new Inflater()) {
      inflater.setInput(compressed, HEADER, compressed.length - HEADER);
      int done = 0;
      while (!inflater.finished()) {
        int more = inflater.inflate(planes, done, planes.length - done);
        if (more == 0 && !inflater.finished()) {
          throw new IOException("a block of the policy is cut off");
        }
        done += more;
      }
    } catch (DataFormatException damaged) {
      throw new IOException("a block of the policy is damaged", damaged);
    }
    return numbers(planes, width);
  }

  private static byte[] planes(byte[] block, int width) {
    if (width == 1) {
      return block;
    }
    byte[] planes = new byte[block.length];
    int count = block.length / width;
    for (int i = 0; i < block.length; i++) {
      planes[i % width * count + i / width] = block[i];
    }
    return planes;
  }

  private static byte[] numbers(byte[] planes, int width) {
    if (width == 1) {
      return planes;
    }
    byte[] block = new byte[planes.length];
    int count = block.length / width;
    for (int i = 0; i < block.length; i++) {
      block[i] = planes[i % width * count + i / width];
    }
    return block;
  }
}
