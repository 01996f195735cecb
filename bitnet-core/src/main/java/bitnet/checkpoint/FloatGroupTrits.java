package bitnet.checkpoint;

import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/// A matrix of floats in which every group of neighbouring columns of a row holds no other values
/// than -s, 0 and s: how ternary models with group scales are published for programs that know
/// floats only.
final class FloatGroupTrits implements TernaryRows {
  private static final int[] COMMON_GROUPS = {128, 64};

  private final TensorSpec tensor;
  private final int groupColumns;
  private final float[] scales; // by row and group
  private final RowReader reader;

  /// Reads rows as fp32.
  interface RowReader {
    /// Reads consecutive rows.
    ///
    /// @param target room for `rows * columns` floats
    void read(int firstRow, int rows, MemorySegment target) throws IOException;
  }

  private FloatGroupTrits(TensorSpec tensor, int groupColumns, float[] scales, RowReader reader) {
    this.tensor = tensor;
    this.groupColumns = groupColumns;
    this.scales = scales;
    this.reader = reader;
  }

  /// The largest supported group size, 128 or 64 columns, with which a matrix is ternary; empty if
  /// there is none, or if the matrix has no zeros (a binary model).
  static OptionalInt groupColumns(TensorSpec tensor, RowReader reader) throws IOException {
    for (int columns : COMMON_GROUPS) {
      if (tensor.columns() % columns == 0 && hasZeros(tensor, reader)) {
        Optional<FloatGroupTrits> found = of(tensor, columns, reader);
        if (found.isPresent()) {
          return OptionalInt.of(columns);
        }
      }
    }
    return OptionalInt.empty();
  }

  /// Trained weights in full precision hold hardly any zeros, ternary ones a third.
  private static boolean hasZeros(TensorSpec tensor, RowReader reader) throws IOException {
    float[] row = new float[tensor.columns()];
    int zeros = 0;
    reader.read(0, 1, MemorySegment.ofArray(row));
    for (float value : row) {
      zeros += value == 0 ? 1 : 0;
    }
    return zeros > row.length / 20 && zeros < row.length;
  }

  /// The trits and scales of a matrix; empty if a group has several magnitudes or one that is not
  /// finite.
  static Optional<FloatGroupTrits> of(TensorSpec tensor, int groupColumns, RowReader reader)
      throws IOException {
    int groups = tensor.columns() / groupColumns;
    float[] scales = new float[Math.multiplyExact(tensor.rows(), groups)];
    float[] row = new float[tensor.columns()];
    for (int index = 0; index < tensor.rows(); index++) {
      reader.read(index, 1, MemorySegment.ofArray(row));
      for (int group = 0; group < groups; group++) {
        float scale = 0;
        for (int i = group * groupColumns; i < (group + 1) * groupColumns; i++) {
          float magnitude = Math.abs(row[i]);
          if (magnitude != 0 && magnitude != scale) {
            if (scale != 0 || !Float.isFinite(magnitude)) {
              return Optional.empty();
            }
            scale = magnitude;
          }
        }
        scales[index * groups + group] = scale;
      }
    }
    return Optional.of(new FloatGroupTrits(tensor, groupColumns, scales, reader));
  }

  @Override
  public int rows() {
    return tensor.rows();
  }

  @Override
  public int columns() {
    return tensor.columns();
  }

  @Override
  public int groupColumns() {
    return groupColumns;
  }

  @Override
  public boolean isGrouped() {
    return true;
  }

  @Override
  public float scale(int row) {
    return scale(row, 0);
  }

  @Override
  public float scale(int row, int group) {
    Objects.checkIndex(row, tensor.rows());
    return scales[row * (tensor.columns() / groupColumns) + group];
  }

  @Override
  public void unpack(int firstRow, int count, byte[] trits) {
    Objects.checkFromIndexSize(firstRow, count, tensor.rows());
    float[] row = new float[tensor.columns()];
    for (int index = 0; index < count; index++) {
      try {
        reader.read(firstRow + index, 1, MemorySegment.ofArray(row));
      } catch (IOException damage) { // it was read before
        throw new UncheckedIOException(damage);
      }
      for (int column = 0; column < row.length; column++) {
        trits[index * row.length + column] = (byte) Math.signum(row[column]);
      }
    }
  }
}
