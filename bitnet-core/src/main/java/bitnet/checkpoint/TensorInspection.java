package bitnet.checkpoint;

import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// What is in one parameter of a model.
///
/// @param tensor name and dimensions
/// @param type how it is stored
/// @param bytes what it takes up in the file
/// @param content what its values are like
public record TensorInspection(TensorSpec tensor, String type, long bytes, Content content) {
  private static final int CHUNK_VALUES = 1 << 20;

  /// What values are like.
  public sealed interface Content {}

  /// Trits with a scale.
  ///
  /// @param negative how many are -1
  /// @param zero how many are 0
  /// @param positive how many are 1
  /// @param scale of all rows, or the mean of group scales
  public record Ternary(long negative, long zero, long positive, float scale) implements Content {

    /// The part of the weights that is 0.
    public double zeroShare() {
      return (double) zero / count();
    }

    /// The part of the weights that is -1.
    public double negativeShare() {
      return (double) negative / count();
    }

    /// The part of the weights that is 1.
    public double positiveShare() {
      return (double) positive / count();
    }

    private long count() {
      return negative + zero + positive;
    }
  }

  /// Floating-point numbers.
  ///
  /// @param least the least finite value; 0 if no value is finite
  /// @param greatest the greatest finite value; 0 if no value is finite
  /// @param rootMeanSquare of the finite values
  /// @param notFinite how many are NaN or infinite
  public record Floats(float least, float greatest, double rootMeanSquare, long notFinite)
      implements Content {}

  /// Counts trits.
  static Ternary ternary(TernaryRows rows) {
    long[] counts = new long[3];
    int step = Math.clamp(CHUNK_VALUES / rows.columns(), 1, rows.rows());
    byte[] trits = new byte[step * rows.columns()];
    for (int first = 0; first < rows.rows(); first += step) {
      int count = Math.min(step, rows.rows() - first);
      rows.unpack(first, count, trits);
      for (int i = 0; i < count * rows.columns(); i++) {
        counts[trits[i] + 1]++;
      }
    }
    float scale = rows.isGrouped() ? meanScale(rows) : rows.scale(0);
    return new Ternary(counts[0], counts[1], counts[2], scale);
  }

  private static float meanScale(TernaryRows rows) {
    int groups = rows.columns() / rows.groupColumns();
    double sum = 0;
    for (int row = 0; row < rows.rows(); row++) {
      for (int group = 0; group < groups; group++) {
        sum += rows.scale(row, group);
      }
    }
    return (float) (sum / rows.rows() / groups);
  }

  /// Measures floating-point numbers.
  static Floats floats(TernaryWeights weights, TensorSpec tensor) throws IOException {
    Measure measure = new Measure();
    FloatRows.forEach(weights, tensor, measure::add);
    return measure.result();
  }

  private static final class Measure {
    private float least = Float.POSITIVE_INFINITY;
    private float greatest = Float.NEGATIVE_INFINITY;
    private double squares;
    private long count;
    private long notFinite;

    void add(MemorySegment floats) {
      long size = floats.byteSize() / Float.BYTES;
      for (long i = 0; i < size; i++) {
        float value = floats.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
        if (Float.isFinite(value)) {
          least = Math.min(least, value);
          greatest = Math.max(greatest, value);
          squares += (double) value * value;
          count++;
        } else {
          notFinite++;
        }
      }
    }

    Floats result() {
      return count == 0
          ? new Floats(0, 0, 0, notFinite)
          : new Floats(least, greatest, Math.sqrt(squares / count), notFinite);
    }
  }
}
