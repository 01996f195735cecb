package bitnet.runtime;

import bitnet.kernel.GroupTernaryMatrix;
import bitnet.kernel.QuantizedActivations;
import bitnet.kernel.TernaryKernels;
import bitnet.kernel.TernaryTable;
import bitnet.kernel.ThreadTeam;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A ternary embedding or output head with group scales: a table to look rows up in, and tiles to
/// multiply with, or both where the head is the embedding.
final class PackedVocabulary implements VocabularyMatrix {
  private final int rows;
  private final Role role;
  private final Arena arena;
  private @Nullable TernaryTable table;
  private @Nullable GroupTernaryMatrix tiles;

  /// What it is for.
  enum Role {
    EMBEDDING,
    HEAD,
    BOTH
  }

  /// A matrix without memory, which [#load] takes.
  ///
  /// @param arena owns its memory
  PackedVocabulary(int rows, Role role, Arena arena) {
    this.rows = rows;
    this.role = role;
    this.arena = arena;
  }

  @Override
  public LmHeadType type() {
    return LmHeadType.PACKED;
  }

  @Override
  public int vocab() {
    return rows;
  }

  @Override
  public long bytes() {
    return (table == null ? 0 : table.bytes()) + (tiles == null ? 0 : tiles.bytes());
  }

  @Override
  public int granule(TernaryKernels kernels) {
    return kernels.rowsPerTile();
  }

  @Override
  public void getRow(int row, MemorySegment target) {
    if (table == null) {
      throw new IllegalStateException("an output head is not looked up");
    }
    table.getRow(row, target);
  }

  @Override
  public void multiply(
      TernaryKernels kernels,
      MemorySegment input,
      QuantizedActivations quantized,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out) {
    if (tiles == null) {
      throw new IllegalStateException("an embedding is not multiplied with");
    }
    kernels.multiply(tiles, quantized, tokens, firstRow, endRow, out, rows);
  }

  @Override
  public void load(
      TernaryWeights weights, TensorSpec tensor, TernaryKernels kernels, ThreadTeam team)
      throws IOException {
    TernaryRows trits = weights.ternary(tensor);
    if (role != Role.HEAD) {
      if (table == null) {
        table = new TernaryTable(rows, trits.columns(), trits.groupColumns(), arena);
      }
      table.fill(trits, team);
    }
    if (role != Role.EMBEDDING) {
      if (tiles == null) {
        tiles = GroupTernaryMatrix.pack(kernels, List.of(trits), arena, team);
      } else {
        tiles.repack(List.of(trits), team);
      }
    }
    weights.unload();
  }
}
