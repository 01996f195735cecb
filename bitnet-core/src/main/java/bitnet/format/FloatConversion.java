package bitnet.format;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Converts between the little-endian floats of a file and fp32 in native byte order.
public final class FloatConversion {
  private static final ValueLayout.OfFloat NATIVE = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfFloat F32 = NATIVE.withOrder(LITTLE_ENDIAN);
  public static final ValueLayout.OfDouble F64 =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private static final int CHUNK_VALUES = 1 << 12; // 24 KiB, which stay in the first-level cache

  private FloatConversion() {}

  /// Reads `count` elements of a floating-point type; F64 is rounded to the nearest fp32.
  public static void toFloats(DType dtype, MemorySegment source, MemorySegment target, long count) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(source, F32, 0, target, NATIVE, 0, count);
      case F64 -> {
        for (long i = 0; i < count; i++) {
          target.setAtIndex(NATIVE, i, (float) source.getAtIndex(F64, i));
        }
      }
      case F16, BF16 -> halvesToFloats(dtype, source, target, count);
      case I64, I32, I16, I8, U8, BOOL ->
          throw new IllegalArgumentException(dtype + " is not a floating-point type");
    }
  }

  /// Piece by piece by way of arrays, whose loops are fast soon after the start already.
  private static void halvesToFloats(
      DType dtype, MemorySegment source, MemorySegment target, long count) {
    int step = (int) Math.min(count, CHUNK_VALUES);
    short[] halves = new short[step];
    float[] floats = new float[step];
    for (long first = 0; first < count; first += step) {
      int some = (int) Math.min(step, count - first);
      MemorySegment.copy(source, HALF, first * Short.BYTES, halves, 0, some);
      if (dtype == DType.F16) {
        for (int i = 0; i < some; i++) {
          floats[i] = Float.float16ToFloat(halves[i]);
        }
      } else {
        for (int i = 0; i < some; i++) {
          floats[i] = Float.intBitsToFloat(halves[i] << 16);
        }
      }
      MemorySegment.copy(floats, 0, target, NATIVE, first * Float.BYTES, some);
    }
  }

  /// Writes `count` fp32 values as a floating-point type, rounding half to even.
  public static void fromFloats(
      DType dtype, MemorySegment source, MemorySegment target, long count) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(source, NATIVE, 0, target, F32, 0, count);
      case F64 -> {
        for (long i = 0; i < count; i++) {
          target.setAtIndex(F64, i, source.getAtIndex(NATIVE, i));
        }
      }
      case F16 -> {
        for (long i = 0; i < count; i++) {
          target.setAtIndex(HALF, i, Float.floatToFloat16(source.getAtIndex(NATIVE, i)));
        }
      }
      case BF16 -> {
        for (long i = 0; i < count; i++) {
          target.setAtIndex(HALF, i, toBfloat16(source.getAtIndex(NATIVE, i)));
        }
      }
      case I64, I32, I16, I8, U8, BOOL ->
          throw new IllegalArgumentException(dtype + " is not a floating-point type");
    }
  }

  /// The nearest bfloat16, ties to even; NaN stays NaN.
  static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }
}
