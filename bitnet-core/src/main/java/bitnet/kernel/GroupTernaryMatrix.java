package bitnet.kernel;

import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Packed ternary weights `[outFeatures, inFeatures]` with a scale for every group of columns of a
/// row, off the heap: a [TernaryMatrix] for each group of columns. Matrices with the same input may
/// be joined into one, row after row.
public final class GroupTernaryMatrix implements WeightMatrix {
  private final TernaryKernels kernels;
  private final int rows;
  private final int columns;
  private final int groupColumns;
  private final List<TernaryMatrix> groups = new ArrayList<>();
  private final ThreadLocal<Partial> partials = ThreadLocal.withInitial(Partial::new);

  private GroupTernaryMatrix(
      TernaryKernels kernels, int rows, int columns, int groupColumns, Arena arena) {
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
    for (int column = 0; column < columns; column += groupColumns) {
      groups.add(TernaryMatrix.empty(kernels, rows, groupColumns, arena));
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
    GroupTernaryMatrix matrix =
        new GroupTernaryMatrix(kernels, rows, first.columns(), first.groupColumns(), arena);
    matrix.repack(parts, team);
    return matrix;
  }

  /// Packs other weights of the same dimensions in place.
  ///
  /// @throws IllegalArgumentException if the dimensions or the groups differ
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
    byte[] some = new byte[height * groupColumns];
    for (int tile = first; tile < end; tile++) {
      int row = tile * height;
      int count = Math.min(height, rows - row);
      unpack(parts, row, count, trits);
      for (int group = 0; group < groups.size(); group++) {
        Arrays.fill(some, (byte) 0);
        for (int line = 0; line < count; line++) {
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
          for (int group = 0; group < groups.size(); group++) {
            float scale = part.scale(row - partStart, group);
            groups.get(group).scales().setAtIndex(ValueLayout.JAVA_FLOAT, row, scale);
          }
        }
      }
      partStart += part.rows();
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

  /// Columns that share a scale.
  public int groupColumns() {
    return groupColumns;
  }

  /// Memory of the packed weights and the scales.
  @Override
  public long bytes() {
    return groups.stream().mapToLong(TernaryMatrix::bytes).sum();
  }

  /// `out[t, r] = sum_g (sum_{k in g} trit[r, k] * q[t, k]) * activationScale[t, g] * scale[r, g]`,
  /// where the inner sums are exact and the rest is float arithmetic in this order.
  ///
  /// @param input with the groups of this matrix
  /// @param tokens rows of the input that are used, from the first
  /// @param firstRow a multiple of [TernaryKernels#rowsPerTile]
  /// @param endRow a multiple of it, or the number of rows
  /// @param out `[tokens, outStride]`; only the columns from firstRow to below endRow are written
  /// @param outStride floats from one token to the next
  public void multiply(
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    List<QuantizedActivations> parts = input.groups();
    if (parts.size() != groups.size()) {
      throw new IllegalArgumentException(
          "the activations have %d groups, the weights %d".formatted(parts.size(), groups.size()));
    }
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
