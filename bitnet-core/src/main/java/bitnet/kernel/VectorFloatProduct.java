package bitnet.kernel;

import static bitnet.kernel.VectorShapes.FLOATS;
import static bitnet.kernel.VectorShapes.FLOAT_COUNT;
import static bitnet.kernel.VectorShapes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/// Weights and activations in fp32.
final class VectorFloatProduct {
  private static final int TOKENS = FloatTile.TOKENS;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final FloatMatrix weights;
  private final ScratchBuffers scratch;
  private final int columns;

  VectorFloatProduct(FloatMatrix weights, ScratchBuffers scratch) {
    this.weights = weights;
    this.scratch = scratch;
    this.columns = weights.inFeatures();
  }

  void multiply(
      MemorySegment input, int tokens, int firstRow, int endRow, MemorySegment out, int outStride) {
    int together = VectorKernels.tokensByFours(tokens);
    if (together > 0) {
      multiplyFours(input, together, firstRow, endRow, out, outStride);
    }
    for (int token = together; token < tokens; token++) {
      multiplyOne(input, token, firstRow, endRow, out, outStride);
    }
  }

  private void multiplyFours(
      MemorySegment input, int tokens, int firstRow, int endRow, MemorySegment out, int outStride) {
    int length = Math.ceilDiv(columns, FLOAT_COUNT) * FLOAT_COUNT;
    FloatTile tile = new FloatTile(length, scratch);
    for (int first = firstRow; first < endRow; first += FloatTile.ROWS) {
      int rows = Math.min(FloatTile.ROWS, endRow - first);
      copy(weights.values(), first, rows, tile.weights(), length);
      for (int token = 0; token < tokens; token += TOKENS) {
        int count = Math.min(TOKENS, tokens - token);
        copy(input, token, count, tile.inputs(), length);
        tile.multiply(rows, 0, length);
        for (int row = 0; row < rows; row++) {
          for (int t = 0; t < count; t++) {
            float sum = VectorShapes.sum(tile.lanes(row, t));
            out.setAtIndex(FLOAT, (long) (token + t) * outStride + first + row, sum);
          }
        }
      }
    }
  }

  /// Copies lines and pads each with zeros.
  private void copy(MemorySegment source, int first, int count, float[] target, int length) {
    for (int line = 0; line < count; line++) {
      long offset = (long) (first + line) * columns * Float.BYTES;
      MemorySegment.copy(source, FLOAT, offset, target, line * length, columns);
      Arrays.fill(target, line * length + columns, (line + 1) * length, 0);
    }
  }

  /// Adds in the same order as a [FloatTile], so that a token's sums do not depend on those
  /// beside it.
  private void multiplyOne(
      MemorySegment input, int token, int firstRow, int endRow, MemorySegment out, int outStride) {
    int length = Math.ceilDiv(columns, FLOAT_COUNT) * FLOAT_COUNT;
    float[] x = scratch.inputs(length);
    copy(input, token, 1, x, length);
    float[] sums = scratch.floatSums(TOKENS * FLOAT_COUNT);
    for (int row = firstRow; row < endRow; row += TOKENS) {
      // the last row again where there are fewer
      long r0 = (long) row * columns * Float.BYTES;
      long r1 = (long) Math.min(row + 1, endRow - 1) * columns * Float.BYTES;
      long r2 = (long) Math.min(row + 2, endRow - 1) * columns * Float.BYTES;
      long r3 = (long) Math.min(row + 3, endRow - 1) * columns * Float.BYTES;
      multiplyRows(r0, r1, r2, r3, x, sums);
      for (int r = row; r < Math.min(endRow, row + TOKENS); r++) {
        FloatVector lanes = FloatVector.fromArray(FLOATS, sums, (r - row) * FLOAT_COUNT);
        out.setAtIndex(FLOAT, (long) token * outStride + r, VectorShapes.sum(lanes));
      }
    }
  }

  /// Four rows, given by where they begin, and one token.
  private void multiplyRows(long r0, long r1, long r2, long r3, float[] x, float... sums) {
    MemorySegment values = weights.values();
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int whole = columns / FLOAT_COUNT * FLOAT_COUNT;
    for (int k = 0; k < whole; k += FLOAT_COUNT) {
      FloatVector t = FloatVector.fromArray(FLOATS, x, k);
      s0 = load(values, r0, k).fma(t, s0);
      s1 = load(values, r1, k).fma(t, s1);
      s2 = load(values, r2, k).fma(t, s2);
      s3 = load(values, r3, k).fma(t, s3);
    }
    if (whole < columns) {
      VectorMask<Float> rest = FLOATS.indexInRange(whole, columns);
      FloatVector t = FloatVector.fromArray(FLOATS, x, whole);
      s0 = load(values, r0, whole, rest).fma(t, s0);
      s1 = load(values, r1, whole, rest).fma(t, s1);
      s2 = load(values, r2, whole, rest).fma(t, s2);
      s3 = load(values, r3, whole, rest).fma(t, s3);
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, FLOAT_COUNT);
    s2.intoArray(sums, 2 * FLOAT_COUNT);
    s3.intoArray(sums, 3 * FLOAT_COUNT);
  }

  private static FloatVector load(MemorySegment values, long row, int k) {
    return FloatVector.fromMemorySegment(FLOATS, values, row + (long) k * Float.BYTES, ORDER);
  }

  private static FloatVector load(MemorySegment values, long row, int k, VectorMask<Float> lanes) {
    return FloatVector.fromMemorySegment(
        FLOATS, values, row + (long) k * Float.BYTES, ORDER, lanes);
  }
}
