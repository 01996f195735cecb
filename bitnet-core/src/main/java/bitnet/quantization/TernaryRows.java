package bitnet.quantization;

/// A matrix of trits with scales, wherever and however it is stored; a weight is scale times trit.
/// A scale belongs to a row, or to a group of neighbouring columns of a row. Several threads may
/// read at once.
public interface TernaryRows {

  /// The number of rows, of output features.
  int rows();

  /// The number of columns, of input features.
  int columns();

  /// The scale of a row; of a BitLinear weight it is the same for all, of a matrix with group
  /// scales that of the row's first group.
  ///
  /// @throws IndexOutOfBoundsException if there is no such row
  float scale(int row);

  /// Neighbouring columns of a row that share a scale: all of them, or a divisor of their number
  /// where there are group scales.
  default int groupColumns() {
    return columns();
  }

  /// The scale of a group of columns.
  ///
  /// @param group from 0 to below `columns() / groupColumns()`
  /// @throws IndexOutOfBoundsException if there is no such row
  default float scale(int row, int group) {
    return scale(row);
  }

  /// Whether every group of columns of every row has a scale of its own, even if a row is one
  /// group.
  default boolean isGrouped() {
    return false;
  }

  /// Whether half precision holds every group scale exactly, as published formats store them.
  default boolean hasHalfScales() {
    int groups = columns() / groupColumns();
    for (int row = 0; row < rows(); row++) {
      for (int group = 0; group < groups; group++) {
        float scale = scale(row, group);
        if (Float.float16ToFloat(Float.floatToFloat16(scale)) != scale) {
          return false;
        }
      }
    }
    return true;
  }

  /// Unpacks rows.
  ///
  /// @param firstRow the first row
  /// @param rows how many rows
  /// @param trits receives `rows * columns` values -1, 0 and 1, from index 0
  /// @throws IndexOutOfBoundsException if the rows are outside the matrix
  void unpack(int firstRow, int rows, byte[] trits);
}
