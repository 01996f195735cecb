package bitnet.kernel;

import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/// Packed ternary weights `[outFeatures, inFeatures]` with a scale per row, off the heap, in the
/// layout of the provider that packed them. Matrices with the same input may be joined into one,
/// row after row.
public final class TernaryMatrix implements WeightMatrix {
  private static final int ALIGNMENT = 64;

  private final TernaryKernels kernels;
  private final int rows;
  private final int columns;
  private final MemorySegment tiles;
  private final MemorySegment scales;

  private TernaryMatrix(TernaryKernels kernels, int rows, int columns, Arena arena) {
    int tileCount = Math.ceilDiv(rows, kernels.rowsPerTile());
    this.kernels = kernels;
    this.rows = rows;
    this.columns = columns;
    this.tiles = arena.allocate(tileCount * kernels.tileBytes(columns), ALIGNMENT);
    this.scales = arena.allocate((long) tileCount * kernels.rowsPerTile() * Float.BYTES, ALIGNMENT);
  }

  /// Packs matrices, one below the other.
  ///
  /// @param kernels will multiply with it
  /// @param parts at least one, all with as many columns
  /// @param arena owns the memory
  /// @param team packs
  /// @throws IllegalArgumentException if the columns differ
  public static TernaryMatrix pack(
      TernaryKernels kernels, List<? extends TernaryRows> parts, Arena arena, ThreadTeam team) {
    TernaryMatrix matrix = empty(kernels, parts, arena);
    matrix.repack(parts, team);
    return matrix;
  }

  /// Memory for a matrix whose tiles and scales are written one by one.
  static TernaryMatrix empty(TernaryKernels kernels, int rows, int columns, Arena arena) {
    return new TernaryMatrix(kernels, rows, columns, arena);
  }

  /// Packs one tile.
  ///
  /// @param trits `[rowsPerTile, columns]`
  void packTile(int tile, byte[] trits) {
    long bytes = kernels.tileBytes(columns);
    kernels.packTile(trits, columns, tiles.asSlice(tile * bytes, bytes));
  }

  private static TernaryMatrix empty(
      TernaryKernels kernels, List<? extends TernaryRows> parts, Arena arena) {
    int rows = parts.stream().mapToInt(TernaryRows::rows).sum();
    return new TernaryMatrix(kernels, rows, parts.getFirst().columns(), arena);
  }

  /// Packs other weights of the same dimensions in place.
  ///
  /// @throws IllegalArgumentException if the dimensions differ
  public void repack(List<? extends TernaryRows> parts, ThreadTeam team) {
    int total = 0;
    for (TernaryRows part : parts) {
      total += part.rows();
      if (part.columns() != columns) {
        throw new IllegalArgumentException(
            "a part has %d columns, the matrix %d".formatted(part.columns(), columns));
      }
      if (part.isGrouped()) {
        throw new IllegalArgumentException(
            "a part has a scale for every %d columns; the matrix has one per row"
                .formatted(part.groupColumns()));
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
    for (int tile = first; tile < end; tile++) {
      int row = tile * height;
      int count = Math.min(height, rows - row);
      Arrays.fill(trits, count * columns, trits.length, (byte) 0);
      unpack(parts, row, count, trits);
      packTile(tile, trits);
    }
  }

  /// Unpacks rows of the joined matrix and notes their scales.
  private void unpack(List<? extends TernaryRows> parts, int first, int count, byte[] trits) {
    int partStart = 0;
    for (TernaryRows part : parts) {
      int start = Math.max(first, partStart);
      int end = Math.min(first + count, partStart + part.rows());
      if (start < end) {
        unpack(part, start - partStart, end - start, trits, (start - first) * columns);
        for (int row = start; row < end; row++) {
          scales.setAtIndex(ValueLayout.JAVA_FLOAT, row, part.scale(row - partStart));
        }
      }
      partStart += part.rows();
    }
  }

  private void unpack(TernaryRows part, int first, int count, byte[] trits, int offset) {
    if (offset == 0) {
      part.unpack(first, count, trits);
      return;
    }
    byte[] rowsOfPart = new byte[count * columns];
    part.unpack(first, count, rowsOfPart);
    System.arraycopy(rowsOfPart, 0, trits, offset, rowsOfPart.length);
  }

  @Override
  public int outFeatures() {
    return rows;
  }

  @Override
  public int inFeatures() {
    return columns;
  }

  /// Memory of the packed weights and the scales.
  @Override
  public long bytes() {
    return tiles.byteSize() + scales.byteSize();
  }

  /// The packed weights, tile after tile.
  MemorySegment tiles() {
    return tiles;
  }

  /// A float a row; padded to whole tiles.
  MemorySegment scales() {
    return scales;
  }
}
