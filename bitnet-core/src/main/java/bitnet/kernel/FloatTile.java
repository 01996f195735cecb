package bitnet.kernel;

import static bitnet.kernel.VectorShapes.FLOATS;
import static bitnet.kernel.VectorShapes.FLOAT_COUNT;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Some rows of weights times four tokens, both copied to arrays as floats so that several tokens
/// share the copy. Sums stay spread over the lanes of vectors until they are asked for.
final class FloatTile {
  static final int ROWS = 32;
  static final int TOKENS = 4;

  private static final int PAIR = 2;

  /// Columns whose activations and pair of rows stay in the first-level cache together.
  private static final int CHUNK = 512;

  private final int length;
  private final float[] weights;
  private final float[] inputs;
  private final float[] lanes;

  /// A tile to be filled.
  ///
  /// @param length columns, a multiple of the vectors' floats
  FloatTile(int length, ScratchBuffers scratch) {
    this.length = length;
    this.weights = scratch.weights(ROWS * length);
    this.inputs = scratch.inputs(TOKENS * length);
    this.lanes = scratch.floatSums(ROWS * TOKENS * FLOAT_COUNT);
  }

  /// `[ROWS, length]`, to be filled.
  float[] weights() {
    return weights;
  }

  /// `[TOKENS, length]`, to be filled.
  float[] inputs() {
    return inputs;
  }

  /// Sums up the columns from first to below end, anew.
  void multiply(int rows, int first, int end) {
    Arrays.fill(lanes, 0, Math.ceilDiv(rows, PAIR) * PAIR * TOKENS * FLOAT_COUNT, 0);
    for (int k = first; k < end; k += CHUNK) {
      for (int row = 0; row < rows; row += PAIR) {
        multiplyPair(row, k, Math.min(end, k + CHUNK));
      }
    }
  }

  /// The lanes of a sum.
  FloatVector lanes(int row, int token) {
    return FloatVector.fromArray(FLOATS, lanes, (row * TOKENS + token) * FLOAT_COUNT);
  }

  private void multiplyPair(int row, int first, int end) {
    int stride = length;
    int index = row * TOKENS * FLOAT_COUNT;
    int w = row * stride;
    float[] x = inputs;
    FloatVector a0 = FloatVector.fromArray(FLOATS, lanes, index);
    FloatVector a1 = FloatVector.fromArray(FLOATS, lanes, index + FLOAT_COUNT);
    FloatVector a2 = FloatVector.fromArray(FLOATS, lanes, index + 2 * FLOAT_COUNT);
    FloatVector a3 = FloatVector.fromArray(FLOATS, lanes, index + 3 * FLOAT_COUNT);
    FloatVector b0 = FloatVector.fromArray(FLOATS, lanes, index + 4 * FLOAT_COUNT);
    FloatVector b1 = FloatVector.fromArray(FLOATS, lanes, index + 5 * FLOAT_COUNT);
    FloatVector b2 = FloatVector.fromArray(FLOATS, lanes, index + 6 * FLOAT_COUNT);
    FloatVector b3 = FloatVector.fromArray(FLOATS, lanes, index + 7 * FLOAT_COUNT);
    for (int k = first; k < end; k += FLOAT_COUNT) {
      FloatVector a = FloatVector.fromArray(FLOATS, weights, w + k);
      FloatVector b = FloatVector.fromArray(FLOATS, weights, w + stride + k);
      FloatVector t = FloatVector.fromArray(FLOATS, x, k);
      a0 = a.fma(t, a0);
      b0 = b.fma(t, b0);
      t = FloatVector.fromArray(FLOATS, x, k + stride);
      a1 = a.fma(t, a1);
      b1 = b.fma(t, b1);
      t = FloatVector.fromArray(FLOATS, x, k + 2 * stride);
      a2 = a.fma(t, a2);
      b2 = b.fma(t, b2);
      t = FloatVector.fromArray(FLOATS, x, k + 3 * stride);
      a3 = a.fma(t, a3);
      b3 = b.fma(t, b3);
    }
    a0.intoArray(lanes, index);
    a1.intoArray(lanes, index + FLOAT_COUNT);
    a2.intoArray(lanes, index + 2 * FLOAT_COUNT);
    a3.intoArray(lanes, index + 3 * FLOAT_COUNT);
    b0.intoArray(lanes, index + 4 * FLOAT_COUNT);
    b1.intoArray(lanes, index + 5 * FLOAT_COUNT);
    b2.intoArray(lanes, index + 6 * FLOAT_COUNT);
    b3.intoArray(lanes, index + 7 * FLOAT_COUNT);
  }
}
