package bitnet.format.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// The ternary blocks of GGUF: TQ1_0, TQ2_0 and I2_S, and Q2_0, PQ2_0 and PTQ1_0 with group scales.
/// A trit t is stored as the code t + 1.
public final class TritBlocks {
  private static final String THREE = "a code is 3; trits have the codes 0, 1 and 2";
  private static final long LOW_BITS = 0x5555_5555_5555_5555L;
  private static final int[] POWERS = {1, 3, 9, 27, 81};

  private TritBlocks() {}

  /// Unpacks blocks.
  ///
  /// @param data the blocks of a tensor, from the first
  /// @param firstBlock the first block to unpack
  /// @param count blocks to unpack
  /// @param trits receives `count * type.blockValues()` trits
  /// @param offset where the first trit goes
  /// @throws IllegalArgumentException if a code is 3, which is not a trit
  public static void unpack(
      GgufType type, MemorySegment data, long firstBlock, int count, byte[] trits, int offset) {
    int size = type.blockBytes();
    byte[] bytes = new byte[size];
    for (int block = 0; block < count; block++) {
      MemorySegment.copy(data, ValueLayout.JAVA_BYTE, (firstBlock + block) * size, bytes, 0, size);
      int at = offset + block * type.blockValues();
      switch (type) {
        case TQ1_0 -> unpackTq1(bytes, trits, at);
        case TQ2_0 -> {
          unpackFour(bytes, 0, trits, at, false);
          unpackFour(bytes, 32, trits, at + 128, false);
        }
        case I2_S -> unpackFour(bytes, 0, trits, at, true);
        case Q2_0, Q2_0_128, PQ2_0 -> unpackNeighbours(bytes, trits, at, type.blockValues());
        case PTQ1_0 -> {
          unpackFive(bytes, 0, 16, 5, trits, at);
          unpackFive(bytes, 16, 8, 5, trits, at + 80);
          unpackFive(bytes, 24, 2, 4, trits, at + 120);
        }
        default -> throw new IllegalArgumentException(type + " is not a ternary type");
      }
    }
  }

  /// 32 bytes of four codes each. The four groups of 32 trits lie in the bits from the lowest up,
  /// or from the highest down.
  private static void unpackFour(
      byte[] bytes, int from, byte[] trits, int at, boolean highestFirst) {
    for (int group = 0; group < 4; group++) {
      int shift = 2 * (highestFirst ? 3 - group : group);
      for (int i = 0; i < 32; i++) {
        int code = (bytes[from + i] >> shift) & 3;
        if (code == 3) {
          throw new IllegalArgumentException(THREE);
        }
        trits[at + 32 * group + i] = (byte) (code - 1);
      }
    }
  }

  /// Behind the scale, bytes of four neighbours, the first in the lowest bits.
  private static void unpackNeighbours(byte[] bytes, byte[] trits, int at, int count) {
    for (int i = 0; i < count; i++) {
      int code = (bytes[Short.BYTES + i / 4] >> (2 * (i % 4))) & 3;
      if (code == 3) {
        throw new IllegalArgumentException(THREE);
      }
      trits[at + i] = (byte) (code - 1);
    }
  }

  private static void unpackTq1(byte[] bytes, byte[] trits, int at) {
    unpackFive(bytes, 0, 32, 5, trits, at);
    unpackFive(bytes, 32, 16, 5, trits, at + 160);
    unpackFive(bytes, 48, 4, 4, trits, at + 240);
  }

  /// Bytes whose n-th most significant trits are `width` neighbours.
  private static void unpackFive(
      byte[] bytes, int from, int width, int digits, byte[] trits, int at) {
    for (int n = 0; n < digits; n++) {
      for (int i = 0; i < width; i++) {
        int fraction = (bytes[from + i] * POWERS[n]) & 0xFF;
        trits[at + width * n + i] = (byte) (((fraction * 3) >> 8) - 1);
      }
    }
  }

  /// Packs trits into blocks with one scale.
  ///
  /// @param trits `blocks * type.blockValues()` trits
  /// @param scale the scale as binary16; I2_S stores its own after the tensor
  /// @param bytes receives the blocks from index 0
  public static void pack(GgufType type, byte[] trits, short scale, byte[] bytes) {
    short[] scales = new short[trits.length / type.blockValues()];
    Arrays.fill(scales, scale);
    pack(type, trits, scales, bytes);
  }

  /// Packs trits into blocks; a TQ or PTQ block ends with the scale, a Q2_0 or PQ2_0 block begins
  /// with it.
  ///
  /// @param trits `blocks * type.blockValues()` trits
  /// @param scales of each block as binary16; I2_S stores its own after the tensor
  /// @param bytes receives the blocks from index 0
  public static void pack(GgufType type, byte[] trits, short[] scales, byte[] bytes) {
    int blocks = trits.length / type.blockValues();
    for (int block = 0; block < blocks; block++) {
      int at = block * type.blockValues();
      int to = block * type.blockBytes();
      switch (type) {
        case TQ1_0 -> {
          packFive(trits, at, bytes, to, 32, 5);
          packFive(trits, at + 160, bytes, to + 32, 16, 5);
          packFive(trits, at + 240, bytes, to + 48, 4, 4);
        }
        case TQ2_0 -> {
          packFour(trits, at, bytes, to, false);
          packFour(trits, at + 128, bytes, to + 32, false);
        }
        case I2_S -> packFour(trits, at, bytes, to, true);
        case Q2_0, Q2_0_128, PQ2_0 -> packNeighbours(trits, at, bytes, to, type.blockValues());
        case PTQ1_0 -> {
          packFive(trits, at, bytes, to, 16, 5);
          packFive(trits, at + 80, bytes, to + 16, 8, 5);
          packFive(trits, at + 120, bytes, to + 24, 2, 4);
        }
        default -> throw new IllegalArgumentException(type + " is not a ternary type");
      }
      if (type != GgufType.I2_S) {
        int place = to + (int) scaleOffset(type);
        bytes[place] = (byte) scales[block];
        bytes[place + 1] = (byte) (scales[block] >> 8);
      }
    }
  }

  private static void packNeighbours(byte[] trits, int at, byte[] bytes, int to, int count) {
    for (int i = 0; i < count; i += 4) {
      int value = 0;
      for (int j = 0; j < 4; j++) {
        value |= (trits[at + i + j] + 1) << (2 * j);
      }
      bytes[to + Short.BYTES + i / 4] = (byte) value;
    }
  }

  /// Where the scale lies in a block, in bytes.
  private static long scaleOffset(GgufType type) {
    return switch (type) {
      case Q2_0, Q2_0_128, PQ2_0 -> 0;
      default -> type.blockBytes() - Short.BYTES;
    };
  }

  private static void packFour(byte[] trits, int at, byte[] bytes, int to, boolean highestFirst) {
    for (int i = 0; i < 32; i++) {
      int value = 0;
      for (int group = 0; group < 4; group++) {
        value |= (trits[at + 32 * group + i] + 1) << (2 * (highestFirst ? 3 - group : group));
      }
      bytes[to + i] = (byte) value;
    }
  }

  /// A number of five digits in base 3 as a fraction of a byte, rounded up; missing digits are 0.
  private static void packFive(byte[] trits, int at, byte[] bytes, int to, int width, int digits) {
    for (int i = 0; i < width; i++) {
      int value = 0;
      for (int n = 0; n < 5; n++) {
        value = value * 3 + (n < digits ? trits[at + width * n + i] + 1 : 0);
      }
      bytes[to + i] = (byte) Math.ceilDiv(value * 256, 243);
    }
  }

  /// Checks the codes of a block without unpacking it; every byte of TQ1_0 and PTQ1_0 is valid.
  ///
  /// @throws IllegalArgumentException if a code is 3, which is not a trit
  public static void validate(GgufType type, MemorySegment data, long block) {
    if (type == GgufType.TQ1_0 || type == GgufType.PTQ1_0) {
      return;
    }
    long begin = block * type.blockBytes() + (scaleOffset(type) == 0 ? Short.BYTES : 0);
    for (int i = 0; i < type.blockValues() / 4; i += Long.BYTES) {
      long codes = data.get(GgufCursor.LONG, begin + i);
      if ((codes & (codes >>> 1) & LOW_BITS) != 0) {
        throw new IllegalArgumentException(THREE);
      }
    }
  }

  /// The scale of a block; of I2_S blocks it lies elsewhere.
  public static float scale(GgufType type, MemorySegment data, long block) {
    long place = block * type.blockBytes() + scaleOffset(type);
    return Float.float16ToFloat(data.get(GgufCursor.SHORT, place));
  }
}
