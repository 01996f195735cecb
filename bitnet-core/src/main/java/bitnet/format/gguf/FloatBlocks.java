package bitnet.format.gguf;

import bitnet.format.DType;
import bitnet.format.FloatConversion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Decodes GGUF blocks to fp32 in native byte order.
public final class FloatBlocks {
  private static final ValueLayout.OfFloat NATIVE = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private FloatBlocks() {}

  /// Decodes values.
  ///
  /// @param data all bytes of the tensor
  /// @param first index of the first value, at the beginning of a block
  /// @param count values to decode, whole blocks
  /// @param target `count * 4` bytes
  /// @throws IllegalArgumentException if a ternary block holds a code that is not a trit, or the
  ///     type
  ///     cannot be decoded
  public static void toFloats(
      GgufType type, MemorySegment data, long first, long count, MemorySegment target) {
    long firstBlock = first / type.blockValues();
    long blocks = count / type.blockValues();
    switch (type) {
      case F32 -> plain(DType.F32, data, first, count, target);
      case F16 -> plain(DType.F16, data, first, count, target);
      case BF16 -> plain(DType.BF16, data, first, count, target);
      case F64 -> plain(DType.F64, data, first, count, target);
      case Q8_0 -> {
        for (long block = 0; block < blocks; block++) {
          q8(data, firstBlock + block, target, block * 32);
        }
      }
      case Q6_K -> {
        for (long block = 0; block < blocks; block++) {
          q6(data, firstBlock + block, target, block * 256);
        }
      }
      case TQ1_0, TQ2_0, I2_S, Q2_0, Q2_0_128, PQ2_0, PTQ1_0 ->
          trits(type, data, firstBlock, blocks, target);
      default -> throw new IllegalArgumentException(type + " cannot be decoded");
    }
  }

  private static void plain(
      DType dtype, MemorySegment data, long first, long count, MemorySegment target) {
    MemorySegment source = data.asSlice(first * dtype.bytes(), count * dtype.bytes());
    FloatConversion.toFloats(dtype, source, target, count);
  }

  private static void trits(
      GgufType type, MemorySegment data, long firstBlock, long blocks, MemorySegment target) {
    byte[] trits = new byte[type.blockValues()];
    for (long block = 0; block < blocks; block++) {
      TritBlocks.unpack(type, data, firstBlock + block, 1, trits, 0);
      float scale =
          type == GgufType.I2_S
              ? data.get(GgufCursor.FLOAT, data.byteSize() - GgufType.I2_S_TAIL_BYTES)
              : TritBlocks.scale(type, data, firstBlock + block);
      for (int i = 0; i < trits.length; i++) {
        target.setAtIndex(NATIVE, block * trits.length + i, scale * trits[i]);
      }
    }
  }

  private static float half(MemorySegment data, long offset) {
    return Float.float16ToFloat(data.get(GgufCursor.SHORT, offset));
  }

  /// A binary16 scale and 32 signed bytes.
  private static void q8(MemorySegment data, long block, MemorySegment target, long to) {
    long at = block * GgufType.Q8_0.blockBytes();
    float scale = half(data, at);
    for (int i = 0; i < 32; i++) {
      byte code = data.get(ValueLayout.JAVA_BYTE, at + Short.BYTES + i);
      target.setAtIndex(NATIVE, to + i, scale * code);
    }
  }

  /// 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales, a binary16 scale.
  private static void q6(MemorySegment data, long block, MemorySegment target, long to) {
    long at = block * GgufType.Q6_K.blockBytes();
    float scale = half(data, at + 208);
    for (int i = 0; i < 256; i++) {
      int half = i / 128;
      int quarter = i % 128 / 32;
      int column = i % 32;
      int low = data.get(ValueLayout.JAVA_BYTE, at + 64L * half + 32L * (quarter % 2) + column);
      int high = data.get(ValueLayout.JAVA_BYTE, at + 128 + 32L * half + column);
      int code = ((low >> (quarter < 2 ? 0 : 4)) & 15) | (((high >> (2 * quarter)) & 3) << 4);
      float part = scale * data.get(ValueLayout.JAVA_BYTE, at + 192 + i / 16);
      target.setAtIndex(NATIVE, to + i, part * (code - 32));
    }
  }
}
