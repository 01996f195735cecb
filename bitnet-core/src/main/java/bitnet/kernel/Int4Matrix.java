package bitnet.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Weights `[outFeatures, inFeatures]` in 4 bits with a scale for every 64 columns of a row, off
/// the heap:
/// `w = scale * (nibble - 8)`, `scale = max|w| / 7`. Byte i of a group's 32 holds column i in its
/// low nibble and column 32 + i in its high one; columns are padded with zeros to whole groups.
public final class Int4Matrix implements DenseMatrix {
  /// Columns that share a scale.
  public static final int GROUP = 64;

  private static final int GROUP_BYTES = GROUP / 2;
  private static final int BIAS = 8;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final int rows;
  private final int columns;
  private final int groups;
  private final MemorySegment nibbles;
  private final MemorySegment scales;

  /// Memory for a matrix.
  ///
  /// @param arena owns the memory
  public Int4Matrix(int rows, int columns, Arena arena) {
    this.rows = rows;
    this.columns = columns;
    this.groups = Math.ceilDiv(columns, GROUP);
    this.nibbles =
        arena.allocate((long) rows * groups * GROUP_BYTES, QuantizedActivations.ALIGNMENT);
    this.scales = arena.allocate(ValueLayout.JAVA_FLOAT, (long) rows * groups);
  }

  @Override
  public void setRow(int row, float[] values, int offset) {
    byte[] quantized = new byte[GROUP];
    for (int group = 0; group < groups; group++) {
      int first = group * GROUP;
      int count = Math.min(GROUP, columns - first);
      float maximum = Rounding.magnitude(values, offset + first, count);
      if (!Float.isFinite(maximum)) {
        throw new IllegalArgumentException("row %d has a weight that is not finite".formatted(row));
      }
      long index = (long) row * groups + group;
      scales.setAtIndex(ValueLayout.JAVA_FLOAT, index, maximum / 7);
      float inverse = maximum == 0 ? 0 : 7 / maximum;
      Arrays.fill(quantized, (byte) BIAS);
      for (int i = 0; i < count; i++) {
        quantized[i] += (byte) Rounding.nearest(values[offset + first + i] * inverse);
      }
      for (int i = 0; i < GROUP_BYTES; i++) {
        int pair = quantized[i] | (quantized[GROUP_BYTES + i] << 4);
        nibbles.set(ValueLayout.JAVA_BYTE, index * GROUP_BYTES + i, (byte) pair);
      }
    }
  }

  /// The integer of one weight, from -7 to 7.
  int quantized(int row, int column) {
    long group = (long) row * groups + column / GROUP;
    int index = column % GROUP;
    int pair = nibbles.get(ValueLayout.JAVA_BYTE, group * GROUP_BYTES + index % GROUP_BYTES);
    return (index < GROUP_BYTES ? pair & 15 : (pair >>> 4) & 15) - BIAS;
  }

  @Override
  public void getRow(int row, MemorySegment target) {
    for (int k = 0; k < columns; k++) {
      float scale = scales.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * groups + k / GROUP);
      target.setAtIndex(FLOAT, k, scale * quantized(row, k));
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
    return nibbles.byteSize() + scales.byteSize();
  }

  /// Groups of a row.
  int groups() {
    return groups;
  }

  /// `[rows, groups, 32]` bytes.
  MemorySegment nibbles() {
    return nibbles;
  }

  /// `[rows, groups]` floats.
  MemorySegment scales() {
    return scales;
  }
}
