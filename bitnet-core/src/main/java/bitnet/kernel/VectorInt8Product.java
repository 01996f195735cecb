package bitnet.kernel;

import static bitnet.kernel.VectorShapes.BYTES;
import static bitnet.kernel.VectorShapes.INTS;
import static bitnet.kernel.VectorShapes.ORDER;
import static bitnet.kernel.VectorShapes.SHORTS;
import static bitnet.kernel.VectorShapes.SHORT_COUNT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// 8-bit weights times 8-bit activations.
///
/// Two products fit a 16-bit lane, biased so that their sum is not negative. Pairs of lanes are
/// added up as one int, `high * 2^16 + low`, and the high ones once more alone: what the first sum
/// holds beside the second are the low ones, and all of it is right modulo 2^32.
final class VectorInt8Product {
  private static final int TOKENS = 4;
  private static final int ROWS = 4;
  private static final int ROW_GROUP = 32;
  private static final int INT_COUNT = INTS.length();

  /// Columns of a step: two vectors.
  private static final int STEP = 2 * SHORT_COUNT;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final Int8Matrix weights;
  private final ScratchBuffers scratch;
  private final int length;
  private final int biases;

  VectorInt8Product(Int8Matrix weights, ScratchBuffers scratch) {
    this.weights = weights;
    this.scratch = scratch;
    this.length = weights.stride();
    this.biases = (length / 2) * -Short.MIN_VALUE;
  }

  void multiply(
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    int together = VectorKernels.tokensByFours(tokens);
    // [groups, steps, TOKENS, STEP]
    short[] x = scratch.shorts(Math.max(1, Math.ceilDiv(together, TOKENS)) * TOKENS * length);
    for (int token = 0; token < together; token++) {
      int index = token / TOKENS * TOKENS * length + token % TOKENS * STEP;
      widen(input, token, x, index, TOKENS * STEP);
    }
    for (int first = firstRow; together > 0 && first < endRow; first += ROW_GROUP) {
      int end = Math.min(endRow, first + ROW_GROUP);
      for (int token = 0; token < together; token += TOKENS) {
        int count = Math.min(TOKENS, together - token);
        multiplyFour(input, token, count, x, first, end, out, outStride);
      }
    }
    for (int token = together; token < tokens; token++) {
      widen(input, token, x, 0, STEP);
      multiplyOne(input, token, x, firstRow, endRow, out, outStride);
    }
  }

  /// Writes the int8 values of a token, its groups `apart` shorts apart.
  private void widen(QuantizedActivations input, int token, short[] x, int index, int apart) {
    int target = index;
    for (int k = 0; k < length; k += STEP, target += apart) {
      long offset = (long) token * length + k;
      load(input.values(), offset).intoArray(x, target);
      load(input.values(), offset + SHORT_COUNT).intoArray(x, target + SHORT_COUNT);
    }
  }

  private static ShortVector load(MemorySegment values, long offset) {
    ByteVector bytes = ByteVector.fromMemorySegment(BYTES, values, offset, ORDER);
    return (ShortVector) bytes.convertShape(VectorOperators.B2S, SHORTS, 0);
  }

  private void multiplyFour(
      QuantizedActivations input,
      int token,
      int count,
      short[] x,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    int[] lanes = scratch.ints(2 * TOKENS * INT_COUNT);
    for (int row = firstRow; row < endRow; row++) {
      float scale = weights.scales().getAtIndex(FLOAT, row);
      multiplyLanes(weights.quantized(), (long) row * length, x, token * length, lanes);
      for (int t = 0; t < count; t++) {
        int sum =
            sum(
                IntVector.fromArray(INTS, lanes, 2 * t * INT_COUNT),
                IntVector.fromArray(INTS, lanes, (2 * t + 1) * INT_COUNT));
        float activationScale = input.scales().getAtIndex(FLOAT, token + t);
        out.setAtIndex(FLOAT, (long) (token + t) * outStride + row, sum * activationScale * scale);
      }
    }
  }

  /// A row and four tokens: both lanes and the high lanes of each. In methods as long as this C2
  /// inlines few calls but those of the Vector API, and vectors that are passed on are boxed.
  private void multiplyLanes(MemorySegment quantized, long row, short[] x, int first, int[] lanes) {
    ShortVector bias = ShortVector.broadcast(SHORTS, Short.MIN_VALUE);
    IntVector both0 = IntVector.zero(INTS);
    IntVector both1 = both0;
    IntVector both2 = both0;
    IntVector both3 = both0;
    IntVector high0 = both0;
    IntVector high1 = both0;
    IntVector high2 = both0;
    IntVector high3 = both0;
    for (int k = 0; k < length; k += STEP) {
      ShortVector w0 = load(quantized, row + k);
      ShortVector w1 = load(quantized, row + k + SHORT_COUNT);
      int index = first + k * TOKENS;
      ShortVector x0 = ShortVector.fromArray(SHORTS, x, index);
      ShortVector x1 = ShortVector.fromArray(SHORTS, x, index + SHORT_COUNT);
      IntVector pairs = bias.add(w0.mul(x0)).add(w1.mul(x1)).reinterpretAsInts();
      both0 = both0.add(pairs);
      high0 = high0.add(pairs.lanewise(VectorOperators.LSHR, Short.SIZE));
      x0 = ShortVector.fromArray(SHORTS, x, index + 2 * SHORT_COUNT);
      x1 = ShortVector.fromArray(SHORTS, x, index + 3 * SHORT_COUNT);
      pairs = bias.add(w0.mul(x0)).add(w1.mul(x1)).reinterpretAsInts();
      both1 = both1.add(pairs);
      high1 = high1.add(pairs.lanewise(VectorOperators.LSHR, Short.SIZE));
      x0 = ShortVector.fromArray(SHORTS, x, index + 4 * SHORT_COUNT);
      x1 = ShortVector.fromArray(SHORTS, x, index + 5 * SHORT_COUNT);
      pairs = bias.add(w0.mul(x0)).add(w1.mul(x1)).reinterpretAsInts();
      both2 = both2.add(pairs);
      high2 = high2.add(pairs.lanewise(VectorOperators.LSHR, Short.SIZE));
      x0 = ShortVector.fromArray(SHORTS, x, index + 6 * SHORT_COUNT);
      x1 = ShortVector.fromArray(SHORTS, x, index + 7 * SHORT_COUNT);
      pairs = bias.add(w0.mul(x0)).add(w1.mul(x1)).reinterpretAsInts();
      both3 = both3.add(pairs);
      high3 = high3.add(pairs.lanewise(VectorOperators.LSHR, Short.SIZE));
    }
    both0.intoArray(lanes, 0);
    high0.intoArray(lanes, INT_COUNT);
    both1.intoArray(lanes, 2 * INT_COUNT);
    high1.intoArray(lanes, 3 * INT_COUNT);
    both2.intoArray(lanes, 4 * INT_COUNT);
    high2.intoArray(lanes, 5 * INT_COUNT);
    both3.intoArray(lanes, 6 * INT_COUNT);
    high3.intoArray(lanes, 7 * INT_COUNT);
  }

  private int sum(IntVector both, IntVector high) {
    int highSum = high.reduceLanes(VectorOperators.ADD);
    int lowSum = both.reduceLanes(VectorOperators.ADD) - (highSum << Short.SIZE);
    return highSum + lowSum - biases;
  }

  private void multiplyOne(
      QuantizedActivations input,
      int token,
      short[] x,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    float activationScale = input.scales().getAtIndex(FLOAT, token);
    int[] lanes = scratch.ints(2 * ROWS * INT_COUNT);
    int apart = Math.ceilDiv(endRow - firstRow, ROWS);
    for (int i = 0; i < apart; i++) {
      int first = firstRow + i;
      int count = Math.min(ROWS, Math.ceilDiv(endRow - first, apart));
      sumRows(weights.quantized(), (long) first * length, (long) apart * length, count, x, lanes);
      for (int j = 0; j < count; j++) {
        int row = first + j * apart;
        int sum =
            sum(
                IntVector.fromArray(INTS, lanes, 2 * j * INT_COUNT),
                IntVector.fromArray(INTS, lanes, (2 * j + 1) * INT_COUNT));
        float scale = weights.scales().getAtIndex(FLOAT, row);
        out.setAtIndex(FLOAT, (long) token * outStride + row, sum * activationScale * scale);
      }
    }
  }

  /// A token and four rows, so far apart that the processor reads ahead in four places; where there
  /// are fewer, the first stands for those that are missing.
  private void sumRows(
      MemorySegment quantized, long row, long apart, int count, short[] x, int[] lanes) {
    ShortVector bias = ShortVector.broadcast(SHORTS, Short.MIN_VALUE);
    IntVector both0 = IntVector.zero(INTS);
    IntVector both1 = both0;
    IntVector both2 = both0;
    IntVector both3 = both0;
    IntVector high0 = both0;
    IntVector high1 = both0;
    IntVector high2 = both0;
    IntVector high3 = both0;
    long row1 = count > 1 ? row + apart : row;
    long row2 = count > 2 ? row + 2 * apart : row;
    long row3 = count > 3 ? row + 3 * apart : row;
    for (int k = 0; k < length; k += STEP) {
      ShortVector x0 = ShortVector.fromArray(SHORTS, x, k);
      ShortVector x1 = ShortVector.fromArray(SHORTS, x, k + SHORT_COUNT);
      ByteVector w0 = ByteVector.fromMemorySegment(BYTES, quantized, row + k, ORDER);
      ByteVector w1 = ByteVector.fromMemorySegment(BYTES, quantized, row + k + SHORT_COUNT, ORDER);
      IntVector pairs =
          bias.add(w0.convertShape(VectorOperators.B2S, SHORTS, 0).reinterpretAsShorts().mul(x0))
              .add(w1.convertShape(VectorOperators.B2S, SHORTS, 0).reinterpretAsShorts().mul(x1))
              .reinterpretAsInts();
      both0 = both0.add(pairs);
      high0 = high0.add(pairs.lanewise(VectorOperators.LSHR, Short.SIZE));
      w0 = ByteVector.fromMemorySegment(BYTES, quantized, row1 + k, ORDER);
      w1 = ByteVector.fromMemorySegment(BYTES, quantized, row1 + k + SHORT_COUNT, ORDER);
      pairs =
          bias.add(w0.convertShape(VectorOperators.B2S, SHORTS, 0).reinterpretAsShorts().mul(x0))
              .add(w1.convertShape(VectorOperators.B2S, SHORTS, 0).reinterpretAsShorts().mul(x1))
              .reinterpretAsInts();
      both1 = both1.add(pairs);
      high1 = high1.add(pairs.lanewise(VectorOperators.LSHR, Short.SIZE));
      w0 = ByteVector.fromMemorySegment(BYTES, quantized, row2 + k, ORDER);
      w1 = ByteVector.fromMemorySegment(BYTES, quantized, row2 + k + SHORT_COUNT, ORDER);
      pairs =
          bias.add(w0.convertShape(VectorOperators.B2S, SHORTS, 0).reinterpretAsShorts().mul(x0))
              .add(w1.convertShape(VectorOperators.B2S, SHORTS, 0).reinterpretAsShorts().mul(x1))
              .reinterpretAsInts();
      both2 = both2.add(pairs);
      high2 = high2.add(pairs.lanewise(VectorOperators.LSHR, Short.SIZE));
      w0 = ByteVector.fromMemorySegment(BYTES, quantized, row3 + k, ORDER);
      w1 = ByteVector.fromMemorySegment(BYTES, quantized, row3 + k + SHORT_COUNT, ORDER);
      pairs =
          bias.add(w0.convertShape(VectorOperators.B2S, SHORTS, 0).reinterpretAsShorts().mul(x0))
              .add(w1.convertShape(VectorOperators.B2S, SHORTS, 0).reinterpretAsShorts().mul(x1))
              .reinterpretAsInts();
      both3 = both3.add(pairs);
      high3 = high3.add(pairs.lanewise(VectorOperators.LSHR, Short.SIZE));
    }
    both0.intoArray(lanes, 0);
    high0.intoArray(lanes, INT_COUNT);
    both1.intoArray(lanes, 2 * INT_COUNT);
    high1.intoArray(lanes, 3 * INT_COUNT);
    both2.intoArray(lanes, 4 * INT_COUNT);
    high2.intoArray(lanes, 5 * INT_COUNT);
    both3.intoArray(lanes, 6 * INT_COUNT);
    high3.intoArray(lanes, 7 * INT_COUNT);
  }
}
