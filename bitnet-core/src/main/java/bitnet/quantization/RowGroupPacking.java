package bitnet.quantization;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/// Four trits per byte, 2 bits per weight, as transformers packs ternary checkpoints: a matrix
/// `[rows, columns]` becomes `[rows / 4, columns]` bytes. With `R = rows / 4`, the trit of row
/// `r + i * R` is in the bits `2i` and `2i + 1` of byte row `r`, as the code `trit + 1`.
public final class RowGroupPacking {
  /// Rows in a byte row; divides the number of rows.
  public static final int ROWS_PER_BYTE = 4;

  private static final int CHUNK_BYTES = 1 << 16;

  private RowGroupPacking() {}

  /// Unpacks one row.
  ///
  /// @param packed all bytes of a matrix, checked by [#validate]
  /// @param rows rows of the matrix
  /// @param columns columns of the matrix
  /// @param row the row to unpack
  /// @param trits receives the trits
  /// @param offset where the first one goes
  public static void unpackRow(
      MemorySegment packed, int rows, int columns, int row, byte[] trits, int offset) {
    Objects.checkIndex(row, rows);
    int group = rows / ROWS_PER_BYTE;
    int shift = 2 * (row / group);
    long first = (long) (row % group) * columns;
    MemorySegment.copy(packed, ValueLayout.JAVA_BYTE, first, trits, offset, columns);
    for (int i = offset; i < offset + columns; i++) {
      trits[i] = (byte) (((trits[i] >> shift) & 3) - 1);
    }
  }

  /// Packs byte rows.
  ///
  /// @param rows a matrix whose number of rows is a multiple of four
  /// @param firstByteRow the first byte row to make
  /// @param byteRows how many
  /// @param packed receives `byteRows * columns` bytes
  public static void pack(TernaryRows rows, int firstByteRow, int byteRows, byte[] packed) {
    int group = rows.rows() / ROWS_PER_BYTE;
    Objects.checkFromIndexSize(firstByteRow, byteRows, group);
    int count = Math.multiplyExact(byteRows, rows.columns());
    byte[] trits = new byte[count];
    for (int i = 0; i < ROWS_PER_BYTE; i++) {
      rows.unpack(firstByteRow + i * group, byteRows, trits);
      for (int j = 0; j < count; j++) {
        int code = (trits[j] + 1) << (2 * i);
        packed[j] = (byte) (i == 0 ? code : packed[j] | code);
      }
    }
  }

  /// Checks that every code is a trit.
  ///
  /// @throws IllegalArgumentException naming the first byte with the code 3
  public static void validate(MemorySegment packed) {
    byte[] chunk = new byte[(int) Math.min(packed.byteSize(), CHUNK_BYTES)];
    for (long first = 0; first < packed.byteSize(); first += chunk.length) {
      int count = (int) Math.min(chunk.length, packed.byteSize() - first);
      MemorySegment.copy(packed, ValueLayout.JAVA_BYTE, first, chunk, 0, count);
      int damaged = 0;
      for (int i = 0; i < count; i++) {
        damaged |= threes(chunk[i]);
      }
      for (int i = 0; damaged != 0 && i < count; i++) {
        if (threes(chunk[i]) != 0) {
          throw new IllegalArgumentException(
              "byte %d is 0x%02x, which holds the code 3; trits have the codes 0, 1 and 2"
                  .formatted(first + i, chunk[i] & 0xFF));
        }
      }
    }
  }

  /// A bit for each of a byte's four codes that is 3.
  private static int threes(int codes) {
    return codes & (codes >> 1) & 0x55;
  }
}
