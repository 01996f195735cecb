package bitnet.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Weights `[outFeatures, inFeatures]` in 8 bits with a scale per row, off the heap, row after row:
/// `w = scale * q`, `scale = max|w| / 127`, q from -127 to 127. A row begins at a multiple of 64
/// bytes and is padded with zeros.
public final class Int8Matrix implements DenseMatrix {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final int rows;
  private final int columns;
  private final int stride;
  private final MemorySegment quantized;
  private final MemorySegment scales;
  private final MemorySegment sums;

  /// Memory for a matrix, all zero.
  ///
  /// @param arena owns the memory
  public Int8Matrix(int rows, int columns, Arena arena) {
    this.rows = rows;
    this.columns = columns;
    this.stride =
        Math.ceilDiv(columns, QuantizedActivations.ALIGNMENT) * QuantizedActivations.ALIGNMENT;
    this.quantized = arena.allocate((long) rows * stride, QuantizedActivations.ALIGNMENT);
    this.scales = arena.allocate(ValueLayout.JAVA_FLOAT, rows);
    this.sums = arena.allocate(ValueLayout.JAVA_INT, rows);
  }

  static IllegalArgumentException notFinite(int row) {
    return new IllegalArgumentException("row %d has a weight that is not finite".formatted(row));
  }

  @Override
  public void setRow(int row, float[] values, int offset) {
    float maximum = Rounding.magnitude(values, offset, columns);
    if (!Float.isFinite(maximum)) {
      throw notFinite(row);
    }
    float inverse = maximum == 0 ? 0 : 127 / maximum;
    byte[] line = new byte[columns];
    for (int k = 0; k < columns; k++) {
      line[k] = (byte) Rounding.nearest(values[offset + k] * inverse);
    }
    int sum = 0;
    for (byte value : line) {
      sum += value;
    }
    MemorySegment.copy(line, 0, quantized, ValueLayout.JAVA_BYTE, (long) row * stride, columns);
    scales.setAtIndex(ValueLayout.JAVA_FLOAT, row, maximum / 127);
    sums.setAtIndex(ValueLayout.JAVA_INT, row, sum);
  }

  @Override
  public void getRow(int row, MemorySegment target) {
    float scale = scales.getAtIndex(ValueLayout.JAVA_FLOAT, row);
    for (int k = 0; k < columns; k++) {
      byte value = quantized.get(ValueLayout.JAVA_BYTE, (long) row * stride + k);
      target.setAtIndex(FLOAT, k, scale * value);
    }
  }

  @Override
  public int outFeatures() {
    return rows;
  }

  @Override
  public int inFeatures() {
    return columns;
  }

  @Override
  public long bytes() {
    return quantized.byteSize() + scales.byteSize() + sums.byteSize();
  }

  /// Bytes from one row to the next.
  int stride() {
    return stride;
  }

  /// Signed bytes, `[rows, stride]`.
  MemorySegment quantized() {
    return quantized;
  }

  /// A float a row.
  MemorySegment scales() {
    return scales;
  }

  /// The sum of the int8 values of each row, `[rows]` ints.
  MemorySegment sums() {
    return sums;
  }
}
