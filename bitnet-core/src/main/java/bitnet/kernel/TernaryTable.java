package bitnet.kernel;

import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Ternary rows to read as floats, off the heap: four trits a byte, the first in the lowest bits,
/// as trit plus one.
public final class TernaryTable {
  private static final int CODES_PER_BYTE = 4;

  private final int rows;
  private final int columns;
  private final int groupColumns;
  private final int rowBytes;
  private final MemorySegment codes;
  private final MemorySegment scales;

  /// Memory for a table.
  ///
  /// @param groupColumns columns that share a scale: all, or a multiple of four
  /// @param arena owns the memory
  public TernaryTable(int rows, int columns, int groupColumns, Arena arena) {
    this.rows = rows;
    this.columns = columns;
    this.groupColumns = groupColumns;
    this.rowBytes = Math.ceilDiv(columns, CODES_PER_BYTE);
    this.codes = arena.allocate((long) rows * rowBytes, 64);
    this.scales = arena.allocate(ValueLayout.JAVA_FLOAT, (long) rows * (columns / groupColumns));
  }

  /// The number of rows.
  public int rows() {
    return rows;
  }

  /// Reads all rows.
  public void fill(TernaryRows source, ThreadTeam team) {
    team.forRanges(rows, 1, (first, end) -> fill(source, first, end));
  }

  private void fill(TernaryRows source, int firstRow, int endRow) {
    byte[] trits = new byte[rowBytes * CODES_PER_BYTE]; // the last ones may be no column's
    byte[] packed = new byte[rowBytes];
    int groups = columns / groupColumns;
    for (int row = firstRow; row < endRow; row++) {
      source.unpack(row, 1, trits);
      for (int i = 0; i < packed.length; i++) {
        int k = i * CODES_PER_BYTE;
        packed[i] =
            (byte)
                (trits[k] + 1
                    | (trits[k + 1] + 1) << 2
                    | (trits[k + 2] + 1) << 4
                    | (trits[k + 3] + 1) << 6);
      }
      long at = (long) row * packed.length;
      MemorySegment.copy(packed, 0, codes, ValueLayout.JAVA_BYTE, at, packed.length);
      for (int group = 0; group < groups; group++) {
        float scale = source.scale(row, group);
        scales.setAtIndex(ValueLayout.JAVA_FLOAT, (long) row * groups + group, scale);
      }
    }
  }

  /// Writes a row as floats.
  ///
  /// @param target `[columns]` float32
  public void getRow(int row, MemorySegment target) {
    float[] values = new float[columns];
    getRow(row, values);
    MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, columns);
  }

  /// Writes some rows as floats.
  ///
  /// @param target `[rows, columns]` float32
  public void getRows(int firstRow, int rows, MemorySegment target) {
    float[] values = new float[columns];
    for (int i = 0; i < rows; i++) {
      getRow(firstRow + i, values);
      long offset = (long) i * columns * Float.BYTES;
      MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, offset, columns);
    }
  }

  private void getRow(int row, float[] values) {
    int groups = columns / groupColumns;
    byte[] packed = new byte[rowBytes];
    MemorySegment.copy(codes, ValueLayout.JAVA_BYTE, (long) row * rowBytes, packed, 0, rowBytes);
    for (int group = 0; group < groups; group++) {
      float scale = scales.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * groups + group);
      unpack(packed, group * groupColumns, (group + 1) * groupColumns, scale, values);
    }
  }

  private static void unpack(byte[] packed, int first, int end, float scale, float[] values) {
    int k = first;
    for (; k <= end - CODES_PER_BYTE; k += CODES_PER_BYTE) {
      int codes = packed[k / CODES_PER_BYTE];
      values[k] = scale * ((codes & 3) - 1);
      values[k + 1] = scale * (((codes >> 2) & 3) - 1);
      values[k + 2] = scale * (((codes >> 4) & 3) - 1);
      values[k + 3] = scale * (((codes >> 6) & 3) - 1);
    }
    for (; k < end; k++) {
      int codes = packed[k / CODES_PER_BYTE] >> (2 * (k % CODES_PER_BYTE));
      values[k] = scale * ((codes & 3) - 1);
    }
  }

  /// Memory in bytes.
  public long bytes() {
    return codes.byteSize() + scales.byteSize();
  }
}
