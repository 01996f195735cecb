package bitnet.kernel;

import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Packed ternary weights `[outFeatures, inFeatures]` with a scale for every group of columns of a
/// row, off the heap: in tiles of whole rows where the kernels multiply these
/// ([TernaryKernels#groupTileColumns]) and half precision holds the scales, else as a
/// [TernaryMatrix] for each group of columns. Matrices with the same input may be joined into one,
/// row after row.
public final class GroupTernaryMatrix implements WeightMatrix {
  private static final int ALIGNMENT = 64;

  private final TernaryKernels kernels;
  private final int rows;
  private final int columns;
  private final int groupColumns;
  private final int groupCount;
  private final int tileColumns; // of a group, in tiles of whole rows
  private final List<TernaryMatrix> groups = new ArrayList<>(); // or one of whole rows
  private final boolean wholeRows;
  private final MemorySegment scales; // fp16 [tile, group, rowsPerTile], for tiles of whole rows
  private final ThreadLocal<Partial> partials = ThreadLocal.withInitial(Partial::new);

  private GroupTernaryMatrix(
      TernaryKernels kernels,
      int rows,
      int columns,
      int groupColumns,
      boolean halfScales,
      Arena arena) {
    if (groupColumns % QuantizedActivations.ALIGNMENT != 0 || columns % groupColumns != 0) {
      throw new IllegalArgumentException(
          "a scale for %d of %d input features is not supported; use groups of a multiple of %d that"
                  .formatted(groupColumns, columns, QuantizedActivations.ALIGNMENT)
              + " divides the features");
    }
    this.kernels = kernels;
    this.rows = rows;
    this.columns = columns;
    this.groupColumns = groupColumns;
    this.groupCount = columns / groupColumns;
    this.tileColumns = kernels.groupTileColumns(groupColumns);
    this.wholeRows = halfScales && tileColumns > 0;
    if (wholeRows) {
      long tiles = Math.ceilDiv(rows, kernels.rowsPerTile());
      groups.add(TernaryMatrix.empty(kernels, rows, groupCount * tileColumns, arena));
      scales = arena.allocate(tiles * groupCount * kernels.rowsPerTile() * Short.BYTES, ALIGNMENT);
    } else {
      for (int group = 0; group < groupCount; group++) {
        groups.add(TernaryMatrix.empty(kernels, rows, groupColumns, arena));
      }
      scales = MemorySegment.NULL;
    }
  }

  /// Packs matrices, one below the other.
  ///
  /// @param kernels will multiply with it
  /// @param parts at least one, all with as many columns and the same groups
  /// @param arena owns the memory
  /// @param team packs
  /// @throws IllegalArgumentException if the columns or the groups differ
  public static GroupTernaryMatrix pack(
      TernaryKernels kernels, List<? extends TernaryRows> parts, Arena arena, ThreadTeam team) {
    int rows = parts.stream().mapToInt(TernaryRows::rows).sum();
    TernaryRows first = parts.getFirst();
    boolean halfScales = parts.stream().allMatch(TernaryRows::hasHalfScales);
    GroupTernaryMatrix matrix =
        new GroupTernaryMatrix(
            kernels, rows, first.columns(), first.groupColumns(), halfScales, arena);
    matrix.repack(parts, team);
    return matrix;
  }

  /// Packs other weights of the same dimensions in place.
  ///
  /// @throws IllegalArgumentException if the dimensions or the groups differ, or if the matrix
  ///     holds its scales in half precision, which cannot represent one of the new ones
  public void repack(List<? extends TernaryRows> parts, ThreadTeam team) {
    int total = 0;
    for (TernaryRows part : parts) {
      total += part.rows();
      if (part.columns() != columns || part.groupColumns() != groupColumns) {
        throw new IllegalArgumentException(
            "a part has %d columns in groups of %d, the matrix %d in groups of %d"
                .formatted(part.columns(), part.groupColumns(), columns, groupColumns));
      }
    }
    if (total != rows) {
      throw new IllegalArgumentException(
          "the parts have %d rows together, the matrix %d".formatted(total, rows));
    }
    int tileCount = Math.ceilDiv(rows, kernels.rowsPerTile());
    team.forRanges(tileCount, 1, (first, end) -> packTiles(parts, first, end));
  }

  private void packTiles(List<? extends TernaryRows> parts, int first, int end) {
    int height = kernels.rowsPerTile();
    byte[] trits = new byte[height * columns];
    byte[] whole = new byte[wholeRows ? height * groupCount * tileColumns : 0];
    byte[] some = new byte[wholeRows ? 0 : height * groupColumns];
    for (int tile = first; tile < end; tile++) {
      int row = tile * height;
      int count = Math.min(height, rows - row);
      Arrays.fill(trits, count * columns, trits.length, (byte) 0);
      unpack(parts, row, count, trits);
      if (wholeRows) {
        for (int group = 0; group < height * groupCount; group++) {
          System.arraycopy(trits, group * groupColumns, whole, group * tileColumns, groupColumns);
        }
        groups.getFirst().packTile(tile, whole);
        continue;
      }
      for (int group = 0; group < groupCount; group++) {
        for (int line = 0; line < height; line++) {
          int source = line * columns + group * groupColumns;
          System.arraycopy(trits, source, some, line * groupColumns, groupColumns);
        }
        groups.get(group).packTile(tile, some);
      }
    }
  }

  /// Unpacks rows of the joined matrix and notes their scales.
  private void unpack(List<? extends TernaryRows> parts, int first, int count, byte[] trits) {
    int partStart = 0;
    for (TernaryRows part : parts) {
      int start = Math.max(first, partStart);
      int end = Math.min(first + count, partStart + part.rows());
      if (start < end) {
        byte[] some = new byte[(end - start) * columns];
        part.unpack(start - partStart, end - start, some);
        System.arraycopy(some, 0, trits, (start - first) * columns, some.length);
        for (int row = start; row < end; row++) {
          for (int group = 0; group < groupCount; group++) {
            setScale(row, group, part.scale(row - partStart, group));
          }
        }
      }
      partStart += part.rows();
    }
  }

  private void setScale(int row, int group, float scale) {
    if (wholeRows) {
      int height = kernels.rowsPerTile();
      long tile = row / height;
      long index = (tile * groupCount + group) * height + row % height;
      short half = Float.floatToFloat16(scale);
      if (Float.float16ToFloat(half) != scale) {
        throw new IllegalArgumentException(
            "half precision cannot hold the scale %s of row %d".formatted(scale, row));
      }
      scales.setAtIndex(ValueLayout.JAVA_SHORT, index, half);
    } else {
      groups.get(group).scales().setAtIndex(ValueLayout.JAVA_FLOAT, row, scale);
    }
  }

  /// @throws IllegalArgumentException if the activations have other groups
  void checkGroups(QuantizedActivations input) {
    int count = input.groups().size();
    if (count != groupCount || input.columns() != columns) {
      throw new IllegalArgumentException(
          "the activations have %d groups of %d columns together, the weights %d of %d"
              .formatted(count, input.columns(), groupCount, columns));
    }
  }

  /// Whether there are tiles of whole rows; else a product is made group by group.
  boolean hasWholeRows() {
    return wholeRows;
  }

  /// The packed tiles of whole rows.
  MemorySegment tiles() {
    return groups.getFirst().tiles();
  }

  /// The scales of tiles of whole rows, fp16 `[tile, group, rowsPerTile]`.
  MemorySegment scales() {
    return scales;
  }

  @Override
  public int outFeatures() {
    return rows;
  }

  @Override
  public int inFeatures() {
    return columns;
  }

  /// Columns that share a scale.
  public int groupColumns() {
    return groupColumns;
  }

  /// Memory of the packed weights and the scales.
  @Override
  public long bytes() {
    return scales.byteSize() + groups.stream().mapToLong(TernaryMatrix::bytes).sum();
  }

  /// Multiplies group by group, see
  /// [TernaryKernels#multiply(GroupTernaryMatrix, QuantizedActivations, int, int, int,
  /// MemorySegment, int)].
  void multiplyGroups(
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    checkGroups(input);
    List<QuantizedActivations> parts = input.groups();
    kernels.multiply(groups.getFirst(), parts.getFirst(), tokens, firstRow, endRow, out, outStride);
    MemorySegment partial = partials.get().atLeast((long) tokens * rows);
    int width = endRow - firstRow;
    for (int group = 1; group < groups.size(); group++) {
      TernaryMatrix some = groups.get(group);
      kernels.multiply(some, parts.get(group), tokens, firstRow, endRow, partial, rows);
      for (int token = 0; token < tokens; token++) {
        kernels.add(
            floats(partial, (long) token * rows + firstRow, width),
            width,
            floats(out, (long) token * outStride + firstRow, width));
      }
    }
  }

  private static MemorySegment floats(MemorySegment segment, long first, int count) {
    return segment.asSlice(first * Float.BYTES, (long) count * Float.BYTES);
  }

  /// One thread's results of a group.
  private static final class Partial {
    private MemorySegment memory = MemorySegment.NULL;

    MemorySegment atLeast(long floats) {
      if (memory.byteSize() < floats * Float.BYTES) {
        memory = Arena.ofAuto().allocate(floats * Float.BYTES, 64);
      }
      return memory;
    }
  }
}
