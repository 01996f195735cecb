package bitnet.kernel;

import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Ternary rows with group scales to look up, off the heap: four trits a byte, the first in the
/// lowest bits, as trit plus one.
public final class TernaryTable {
  private static final int CODES_PER_BYTE = 4;

  private final int rows;
  private final int columns;
  private final int groupColumns;
  private final MemorySegment codes;
  private final MemorySegment scales;

  /// Memory for a table.
  ///
  /// @param columns a multiple of four
  /// @param groupColumns columns that share a scale
  /// @param arena owns the memory
  public TernaryTable(int rows, int columns, int groupColumns, Arena arena) {
    this.rows = rows;
    this.columns = columns;
    this.groupColumns = groupColumns;
    this.codes = arena.allocate((long) rows * (columns / CODES_PER_BYTE), 64);
    this.scales = arena.allocate(ValueLayout.JAVA_FLOAT, (long) rows * (columns / groupColumns));
  }

  /// Reads all rows.
  public void fill(TernaryRows source, ThreadTeam team) {
    team.forRanges(rows, 1, (first, end) -> fill(source, first, end));
  }

  private void fill(TernaryRows source, int firstRow, int endRow) {
    byte[] trits = new byte[columns];
    byte[] packed = new byte[columns / CODES_PER_BYTE];
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
    int groups = columns / groupColumns;
    long first = (long) row * (columns / CODES_PER_BYTE);
    for (int group = 0; group < groups; group++) {
      float scale = scales.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * groups + group);
      for (int k = group * groupColumns; k < (group + 1) * groupColumns; k++) {
        byte packed = codes.get(ValueLayout.JAVA_BYTE, first + k / CODES_PER_BYTE);
        int trit = ((packed >>> (2 * (k % CODES_PER_BYTE))) & 3) - 1;
        target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, k, scale * trit);
      }
    }
  }

  /// Memory in bytes.
  public long bytes() {
    return codes.byteSize() + scales.byteSize();
  }
}
