package bitnet.kernel;

import static bitnet.kernel.VectorShapes.DOUBLES;
import static bitnet.kernel.VectorShapes.FLOATS;
import static bitnet.kernel.VectorShapes.FLOAT_COUNT;
import static bitnet.kernel.VectorShapes.HALF_FLOATS;
import static bitnet.kernel.VectorShapes.INTS;
import static bitnet.kernel.VectorShapes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// What happens between the products: quantization, normalization and gates, in vectors; what is
/// left beyond whole vectors goes to the scalar definition.
final class VectorActivations {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final int ABSOLUTE = 0x7fffffff;

  /// Adding 1.5 * 2^23 to a float below 2^22 rounds it to an integer, half to even, which then is
  /// in the low bits.
  private static final float ROUNDER = 0x1.8p23f;

  private static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);

  private static final double LN_2 = Math.log(2);

  /// The first bits of ln(2), so few that small multiples are exact, and what they lack of it.
  private static final float LN_2_HIGH = 355 / 512f;

  private static final float LN_2_LOW = (float) (LN_2 - LN_2_HIGH);

  /// Beyond it the exponential is infinite, and zero beyond its negative.
  private static final float GREATEST = 104;

  private VectorActivations() {}

  private static FloatVector load(MemorySegment x, int index) {
    return FloatVector.fromMemorySegment(FLOATS, x, (long) index * Float.BYTES, ORDER);
  }

  private static DoubleVector loadDoubles(MemorySegment x, int index) {
    FloatVector floats =
        FloatVector.fromMemorySegment(HALF_FLOATS, x, (long) index * Float.BYTES, ORDER);
    return (DoubleVector) floats.convertShape(VectorOperators.F2D, DOUBLES, 0);
  }

  /// The largest absolute value and at least 1e-5, as [TernaryKernels#quantize] defines it; NaN
  /// if there is one.
  static float maximum(MemorySegment x, int count) {
    // without their signs, floats are ordered as ints are, and NaN is the greatest
    IntVector largest = IntVector.broadcast(INTS, Float.floatToRawIntBits(1e-5f));
    int end = FLOATS.loopBound(count);
    for (int k = 0; k < end; k += FLOAT_COUNT) {
      largest = largest.max(load(x, k).reinterpretAsInts().and(ABSOLUTE));
    }
    int bits = largest.reduceLanes(VectorOperators.MAX);
    for (int k = end; k < count; k++) {
      bits = Math.max(bits, Float.floatToRawIntBits(x.getAtIndex(FLOAT, k)) & ABSOLUTE);
    }
    return Float.intBitsToFloat(bits);
  }

  /// Rounds whole vectors to int8 values.
  ///
  /// @param rounded `[count]` ints to work in
  static void round(MemorySegment x, int count, float multiplier, int[] rounded) {
    int end = FLOATS.loopBound(count);
    for (int k = 0; k < end; k += FLOAT_COUNT) {
      FloatVector shifted = load(x, k).mul(multiplier).add(ROUNDER);
      shifted.reinterpretAsInts().sub(ROUNDER_BITS).intoArray(rounded, k);
    }
    for (int k = end; k < count; k++) {
      rounded[k] = (int) Math.rint(x.getAtIndex(FLOAT, k) * multiplier);
    }
  }

  static void normalize(
      MemorySegment x, MemorySegment gain, int count, float epsilon, MemorySegment out) {
    DoubleVector low = DoubleVector.zero(DOUBLES);
    DoubleVector high = low;
    int end = FLOATS.loopBound(count);
    for (int i = 0; i < end; i += FLOAT_COUNT) {
      DoubleVector first = loadDoubles(x, i);
      DoubleVector second = loadDoubles(x, i + FLOAT_COUNT / 2);
      low = first.fma(first, low);
      high = second.fma(second, high);
    }
    double squares = VectorShapes.sum(low.add(high));
    for (int i = end; i < count; i++) {
      double value = x.getAtIndex(FLOAT, i);
      squares += value * value;
    }
    float inverse = (float) (1 / Math.sqrt(squares / count + epsilon));
    for (int i = 0; i < end; i += FLOAT_COUNT) {
      FloatVector values = load(x, i).mul(inverse).mul(load(gain, i));
      values.intoMemorySegment(out, (long) i * Float.BYTES, ORDER);
    }
    for (int i = end; i < count; i++) {
      out.setAtIndex(FLOAT, i, x.getAtIndex(FLOAT, i) * inverse * gain.getAtIndex(FLOAT, i));
    }
  }

  /// The gate of whole vectors; returns how many values these are.
  static int siluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    int end = FLOATS.loopBound(count);
    for (int i = 0; i < end; i += FLOAT_COUNT) {
      FloatVector factor = load(up, i);
      FloatVector g = load(gate, i);
      // C2 stops to inline calls in a long method, except those of the Vector API: no store(...)
      FloatVector values = g.div(exp(g.neg()).add(1)).mul(factor);
      values.intoMemorySegment(out, (long) i * Float.BYTES, ORDER);
    }
    return end;
  }

  /// The gate of whole vectors; returns how many values these are.
  static int squaredReluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    int end = FLOATS.loopBound(count);
    for (int i = 0; i < end; i += FLOAT_COUNT) {
      FloatVector g = load(gate, i).max(0);
      FloatVector values = g.mul(g).mul(load(up, i));
      values.intoMemorySegment(out, (long) i * Float.BYTES, ORDER);
    }
    return end;
  }

  /// Adds whole vectors; returns how many values these are.
  static int add(MemorySegment x, int count, MemorySegment sum) {
    int end = FLOATS.loopBound(count);
    for (int i = 0; i < end; i += FLOAT_COUNT) {
      load(sum, i).add(load(x, i)).intoMemorySegment(sum, (long) i * Float.BYTES, ORDER);
    }
    return end;
  }

  /// Rotates heads whose halves are whole vectors.
  static void rotate(
      MemorySegment heads, int count, MemorySegment cosines, MemorySegment sines, int headDim) {
    int half = headDim / 2;
    for (int head = 0; head < count; head++) {
      int first = head * headDim;
      for (int i = 0; i < half; i += FLOAT_COUNT) {
        FloatVector cos = load(cosines, i);
        FloatVector sin = load(sines, i);
        FloatVector low = load(heads, first + i);
        FloatVector high = load(heads, first + half + i);
        FloatVector newLow = low.mul(cos).sub(high.mul(sin));
        FloatVector newHigh = high.mul(cos).add(low.mul(sin));
        newLow.intoMemorySegment(heads, (first + i) * (long) Float.BYTES, ORDER);
        newHigh.intoMemorySegment(heads, (first + half + i) * (long) Float.BYTES, ORDER);
      }
    }
  }

  /// C2 has an instruction for several of these at once, the Vector API none.
  static void toHalf(MemorySegment x, int count, MemorySegment halves, ScratchBuffers scratch) {
    float[] floats = scratch.inputs(count);
    short[] shorts = scratch.shorts(count);
    MemorySegment.copy(x, FLOAT, 0, floats, 0, count);
    for (int i = 0; i < count; i++) {
      shorts[i] = Float.floatToFloat16(floats[i]);
    }
    MemorySegment.copy(shorts, 0, halves, ValueLayout.JAVA_SHORT_UNALIGNED, 0, count);
  }

  /// Replaces scores by their softmax.
  static void softmax(MemorySegment scores, long first, int count) {
    float highest = Float.NEGATIVE_INFINITY;
    for (int p = 0; p < count; p++) {
      highest = Math.max(highest, scores.getAtIndex(FLOAT, first + p));
    }
    FloatVector masses = FloatVector.zero(FLOATS);
    int end = FLOATS.loopBound(count);
    for (int p = 0; p < end; p += FLOAT_COUNT) {
      long offset = (first + p) * Float.BYTES;
      FloatVector score = FloatVector.fromMemorySegment(FLOATS, scores, offset, ORDER);
      FloatVector weight = exp(score.sub(highest));
      masses = masses.add(weight);
      weight.intoMemorySegment(scores, offset, ORDER);
    }
    float mass = VectorShapes.sum(masses);
    for (int p = end; p < count; p++) {
      float weight = (float) Math.exp(scores.getAtIndex(FLOAT, first + p) - highest);
      scores.setAtIndex(FLOAT, first + p, weight);
      mass += weight;
    }
    for (int p = 0; p < count; p++) {
      scores.setAtIndex(FLOAT, first + p, scores.getAtIndex(FLOAT, first + p) / mass);
    }
  }

  /// The exponential, accurate to a relative 2e-7: `2^n e^r` with |r| <= ln(2) / 2 and a
  /// polynomial for `e^r`. The power of two is applied in halves, since n runs from -150 to 150.
  static FloatVector exp(FloatVector x) {
    FloatVector bounded = x.max(-GREATEST).min(GREATEST);
    FloatVector rounded = bounded.mul((float) (1 / LN_2)).add(ROUNDER);
    FloatVector n = rounded.sub(ROUNDER);
    FloatVector r = bounded.sub(n.mul(LN_2_HIGH)).sub(n.mul(LN_2_LOW));
    FloatVector p = r.mul(1 / 5040f).add(1 / 720f);
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 120f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 24f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 6f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 0.5f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1));
    IntVector power = rounded.reinterpretAsInts().sub(ROUNDER_BITS);
    IntVector half = power.lanewise(VectorOperators.ASHR, 1);
    return p.mul(powerOfTwo(half)).mul(powerOfTwo(power.sub(half)));
  }

  private static FloatVector powerOfTwo(IntVector power) {
    return power.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
  }
}
