package bitnet.quantization;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Five trits per byte in base 3, 1.6 bits per weight: `b = sum (t_i + 1) * 3^i`, the first trit
/// least significant, the last byte padded with zero digits. A tensor is packed flat, in row order.
public final class TernaryPacking {
  /// Trits in a byte.
  public static final int TRITS_PER_BYTE = 5;

  private static final int BYTE_VALUES = 243; // 3^5
  private static final int CHUNK_WORDS = 1 << 12;
  private static final int CHUNK_BYTES = CHUNK_WORDS * Long.BYTES;
  private static final long LOW_SEVEN_BITS = 0x7F7F_7F7F_7F7F_7F7FL;
  private static final long THIRTEEN = 0x0D0D_0D0D_0D0D_0D0DL; // 128 + 115 = 243
  private static final int[] POWERS = {1, 3, 9, 27, 81};
  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  // five trits in the low five bytes of a long, so that a byte is unpacked with one store
  private static final long[] UNPACKED = unpackedBytes();

  private TernaryPacking() {}

  private static long[] unpackedBytes() {
    long[] table = new long[BYTE_VALUES];
    for (int packed = 0; packed < BYTE_VALUES; packed++) {
      for (int i = 0; i < TRITS_PER_BYTE; i++) {
        long trit = packed / POWERS[i] % 3 - 1L;
        table[packed] |= (trit & 0xFF) << (8 * i);
      }
    }
    return table;
  }

  /// Bytes that so many trits take.
  public static long packedBytes(long trits) {
    return Math.ceilDiv(trits, (long) TRITS_PER_BYTE);
  }

  /// Packs trits; a count that is not a multiple of five leaves the last byte padded.
  ///
  /// @param trits values -1, 0 and 1
  /// @param offset index of the first trit
  /// @param count trits to pack
  /// @param packed receives [#packedBytes] bytes
  /// @param packedOffset where the first byte goes
  /// @throws IllegalArgumentException if a value is not a trit
  public static void pack(byte[] trits, int offset, int count, byte[] packed, int packedOffset) {
    int whole = count / TRITS_PER_BYTE;
    for (int i = 0; i < whole; i++) {
      packed[packedOffset + i] = (byte) digits(trits, offset + TRITS_PER_BYTE * i, TRITS_PER_BYTE);
    }
    int rest = count - TRITS_PER_BYTE * whole;
    if (rest > 0) {
      packed[packedOffset + whole] = (byte) digits(trits, offset + TRITS_PER_BYTE * whole, rest);
    }
  }

  private static int digits(byte[] trits, int offset, int count) {
    int value = 0;
    for (int i = 0; i < count; i++) {
      int digit = trits[offset + i] + 1;
      if (digit < 0 || digit > 2) {
        throw new IllegalArgumentException(
            "value %d at %d is not a trit; it must be -1, 0 or 1"
                .formatted(trits[offset + i], offset + i));
      }
      value += digit * POWERS[i];
    }
    return value;
  }

  /// Unpacks a range of trits.
  ///
  /// @param packed a tensor's bytes
  /// @param firstTrit index of the first trit to unpack; any
  /// @param trits receives the trits from index 0
  /// @param count trits to unpack
  /// @throws IllegalArgumentException if a byte is above 242
  public static void unpack(MemorySegment packed, long firstTrit, byte[] trits, int count) {
    long first = firstTrit / TRITS_PER_BYTE;
    byte[] bytes = new byte[(int) (packedBytes(firstTrit + count) - first)];
    MemorySegment.copy(packed, ValueLayout.JAVA_BYTE, first, bytes, 0, bytes.length);
    int index = 0;
    int done = 0;
    int skip = (int) (firstTrit % TRITS_PER_BYTE);
    if (skip > 0) {
      done = store(word(bytes[index], first + index++), skip, trits, 0, count);
    }
    for (; done + Long.BYTES <= count; done += TRITS_PER_BYTE) {
      // the next store covers the excess
      EIGHT_BYTES.set(trits, done, word(bytes[index], first + index++));
    }
    while (done < count) {
      done += store(word(bytes[index], first + index++), 0, trits, done, count - done);
    }
  }

  private static long word(byte packed, long index) {
    int value = packed & 0xFF;
    if (value >= BYTE_VALUES) {
      throw new IllegalArgumentException(
          "byte %d is %d; five trits make at most 242".formatted(index, value));
    }
    return UNPACKED[value];
  }

  private static int store(long word, int skip, byte[] trits, int offset, int room) {
    int count = Math.min(TRITS_PER_BYTE - skip, room);
    for (int i = 0; i < count; i++) {
      trits[offset + i] = (byte) (word >>> (8 * (skip + i)));
    }
    return count;
  }

  /// Checks that a segment is a packing of exactly so many trits.
  ///
  /// @param packed all bytes of a tensor
  /// @param trits trits the tensor has
  /// @throws IllegalArgumentException if the size is wrong, a byte is above 242, or the padding of
  ///     the last byte is not zero
  public static void validate(MemorySegment packed, long trits) {
    long bytes = packedBytes(trits);
    if (packed.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "%d bytes hold no %d trits; %d bytes do".formatted(packed.byteSize(), trits, bytes));
    }
    int padding = (int) (bytes * TRITS_PER_BYTE - trits);
    long[] words = new long[CHUNK_WORDS];
    long done = 0;
    for (; done + CHUNK_BYTES <= bytes; done += CHUNK_BYTES) {
      MemorySegment.copy(packed, ValueLayout.JAVA_LONG_UNALIGNED, done, words, 0, CHUNK_WORDS);
      if (isDamaged(words)) {
        break;
      }
    }
    for (; done < bytes; done++) {
      word(packed.get(ValueLayout.JAVA_BYTE, done), done);
    }
    if (padding > 0) {
      int last = packed.get(ValueLayout.JAVA_BYTE, bytes - 1) & 0xFF;
      if (last >= POWERS[TRITS_PER_BYTE - padding]) {
        throw new IllegalArgumentException(
            "the last byte is %d; its %d padding digits must be zero".formatted(last, padding));
      }
    }
  }

  /// Whether one of the eight bytes of a word is above 242: negative, and not after 13 were added
  /// to its other seven bits.
  private static boolean isDamaged(long[] words) {
    long damaged = 0;
    for (long word : words) {
      damaged |= word & ((word & LOW_SEVEN_BITS) + THIRTEEN);
    }
    return (damaged & ~LOW_SEVEN_BITS) != 0;
  }
}
