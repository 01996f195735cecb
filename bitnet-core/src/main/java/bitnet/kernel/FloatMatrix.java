package bitnet.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Weights `[outFeatures, inFeatures]` in fp32, row after row, off the heap.
public final class FloatMatrix implements DenseMatrix, WeightMatrix {
  private final int rows;
  private final int columns;
  private final MemorySegment values;

  /// Memory for a matrix, all zero.
  ///
  /// @param arena owns the memory
  public FloatMatrix(int rows, int columns, Arena arena) {
    this.rows = rows;
    this.columns = columns;
    this.values = arena.allocate((long) rows * columns * Float.BYTES, 64);
  }

  @Override
  public int outFeatures() {
    return rows;
  }

  @Override
  public int inFeatures() {
    return columns;
  }

  /// The values of some rows, to read or to fill: `rows * columns` floats.
  public MemorySegment rowSlice(int firstRow, int count) {
    long rowBytes = (long) columns * Float.BYTES;
    return values.asSlice(firstRow * rowBytes, count * rowBytes);
  }

  @Override
  public void setRow(int row, float[] source, int offset) {
    MemorySegment.copy(source, offset, rowSlice(row, 1), ValueLayout.JAVA_FLOAT, 0, columns);
  }

  @Override
  public void getRow(int row, MemorySegment target) {
    target.copyFrom(rowSlice(row, 1));
  }

  /// All values.
  MemorySegment values() {
    return values;
  }

  @Override
  public long bytes() {
    return values.byteSize();
  }
}
