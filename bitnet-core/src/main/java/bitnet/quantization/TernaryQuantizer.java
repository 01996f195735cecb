package bitnet.quantization;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Absmean quantization of weights (BitNet b1.58): `s = max(mean|W|, 1e-5)`,
/// `T = clamp(round(W / s), -1, 1)`, used as `s * T`. Rounding is half to even.
///
/// A tensor may be larger than memory, so both halves work on ranges: sum every row, add the sums
/// in row order, take the scale, then quantize range by range. The result does not depend on the
/// ranges or on the number of threads. Segments hold float32 in the platform's byte order; an array
/// is wrapped with `MemorySegment.ofArray`.
public final class TernaryQuantizer {
  /// The least scale, so that a tensor of zeros has one.
  public static final float LEAST_SCALE = 1e-5f;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private TernaryQuantizer() {}

  /// The sum of the absolute values of one row, in double precision and in order.
  ///
  /// @param weights float32 values
  /// @param first index of the row's first value in the segment
  /// @param count values in the row
  public static double absoluteSum(MemorySegment weights, long first, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += Math.abs(weights.getAtIndex(FLOAT, first + i));
    }
    return sum;
  }

  /// The scale of values with that sum of absolute values; the mean is rounded to float once.
  ///
  /// @throws IllegalArgumentException if the sum is not finite, as it is when a weight is not
  public static float scale(double absoluteSum, long count) {
    if (!Double.isFinite(absoluteSum)) {
      throw new IllegalArgumentException(
          "the mean of |W| is %s; a weight is not finite".formatted(absoluteSum));
    }
    return Math.max((float) (absoluteSum / count), LEAST_SCALE);
  }

  /// The scale of a group of neighbouring weights of a row: as that of a matrix, rounded to half
  /// precision, in which files keep it.
  ///
  /// @param first index of the group's first value in the segment
  /// @throws IllegalArgumentException if a weight is not finite, or half precision cannot hold the
  ///     scale
  public static float groupScale(MemorySegment weights, long first, int count) {
    float scale = scale(absoluteSum(weights, first, count), count);
    float half = Float.float16ToFloat(Float.floatToFloat16(scale));
    if (!Float.isFinite(half)) {
      throw new IllegalArgumentException(
          "the mean of |W| is %s, which half precision cannot hold; at most 65504 can be"
              .formatted(scale));
    }
    return half;
  }

  /// The scale of a whole `[rows, columns]` matrix.
  ///
  /// @throws IllegalArgumentException if a weight is not finite
  public static float scale(MemorySegment weights, int rows, int columns) {
    double sum = 0;
    for (int row = 0; row < rows; row++) {
      sum += absoluteSum(weights, (long) row * columns, columns);
    }
    return scale(sum, (long) rows * columns);
  }

  /// Quantizes a range of weights to -1, 0 and 1.
  ///
  /// @param weights float32 values
  /// @param first index of the first value in the segment
  /// @param scale the tensor's (or row's) scale
  /// @param trits receives the trits
  /// @param offset where the first trit goes
  /// @param count values to quantize
  public static void quantize(
      MemorySegment weights, long first, float scale, byte[] trits, int offset, int count) {
    for (int i = 0; i < count; i++) {
      float ratio = weights.getAtIndex(FLOAT, first + i) / scale;
      // clamp(rint(ratio), -1, 1): a half rounds to the even neighbour, which is 0
      trits[offset + i] = (byte) ((ratio > 0.5f ? 1 : 0) - (ratio < -0.5f ? 1 : 0));
    }
  }

  /// Latent weights that quantize to given trits and scales: `W = T * s / mean|T|`, the mean over
  /// the values that share the scale, so that `mean|W| = s` and `round(W / s)` is past a half just
  /// where T is not zero.
  ///
  /// Some weights are one ulp larger than the others, so that `mean|W|`, rounded to float as
  /// [#scale(double, long)] does, is exactly s. Two cases have no such weights: zeros only, and a
  /// scale below [#LEAST_SCALE].
  ///
  /// @param ternary a matrix
  /// @param scalePerRow whether every row has a scale of its own, else one serves all
  /// @param target `rows * columns` float32 values to fill
  public static void latents(TernaryRows ternary, boolean scalePerRow, MemorySegment target) {
    if (ternary.isGrouped()) {
      groupLatents(ternary, target);
      return;
    }
    int columns = ternary.columns();
    byte[] trits = new byte[columns];
    long[] nonZero = new long[ternary.rows()];
    for (int row = 0; row < ternary.rows(); row++) {
      ternary.unpack(row, 1, trits);
      for (byte trit : trits) {
        nonZero[row] += trit * trit;
      }
    }
    long all = Arrays.stream(nonZero).sum();
    Magnitudes magnitudes = new Magnitudes(ternary.scale(0), (long) ternary.rows() * columns, all);
    for (int row = 0; row < ternary.rows(); row++) {
      if (scalePerRow) {
        magnitudes = new Magnitudes(ternary.scale(row), columns, nonZero[row]);
      }
      ternary.unpack(row, 1, trits);
      long first = (long) row * columns;
      for (int column = 0; column < columns; column++) {
        float weight = trits[column] == 0 ? 0 : trits[column] * magnitudes.next();
        target.setAtIndex(FLOAT, first + column, weight);
      }
    }
  }

  /// The same with a scale for every group of columns of a row.
  private static void groupLatents(TernaryRows ternary, MemorySegment target) {
    int columns = ternary.columns();
    int width = ternary.groupColumns();
    byte[] trits = new byte[columns];
    for (int row = 0; row < ternary.rows(); row++) {
      ternary.unpack(row, 1, trits);
      for (int first = 0; first < columns; first += width) {
        long nonZero = 0;
        for (int column = first; column < first + width; column++) {
          nonZero += trits[column] * trits[column];
        }
        Magnitudes magnitudes = new Magnitudes(ternary.scale(row, first / width), width, nonZero);
        for (int column = first; column < first + width; column++) {
          float weight = trits[column] == 0 ? 0 : trits[column] * magnitudes.next();
          target.setAtIndex(FLOAT, (long) row * columns + column, weight);
        }
      }
    }
  }

  /// The magnitudes of the weights that are not zero, one after the other: first the larger ones.
  private static final class Magnitudes {
    private final float smaller;
    private long largerLeft;

    /// @param scale the mean to reach
    /// @param count values that share the scale
    /// @param nonZero how many of them are not zero
    Magnitudes(float scale, long count, long nonZero) {
      double sum = (double) scale * count;
      float nearest = (float) (sum / Math.max(1, nonZero));
      smaller = nearest > sum / Math.max(1, nonZero) ? Math.nextDown(nearest) : nearest;
      largerLeft = Math.round((sum - (double) smaller * nonZero) / Math.ulp(smaller));
    }

    float next() {
      return largerLeft-- > 0 ? Math.nextUp(smaller) : smaller;
    }
  }
}
