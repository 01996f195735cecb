package bitnet.checkpoint;

import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryPacking;
import bitnet.quantization.TernaryRows;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// The trits and the scales of one ternary parameter `[rows, columns]`, as they lie in the file; a
/// weight is scale times trit. Valid until its [ModelDirectory] is closed.
public final class TernaryTensor implements TernaryRows {
  private final TensorSpec spec;
  private final MemorySegment packed;
  private final float[] scales;
  private final int groupColumns; // 0 without group scales

  /// @param scales one for all rows, one for each, or one for each group of columns of each row
  /// @param groupColumns columns that share a scale; 0 without group scales
  TernaryTensor(TensorSpec spec, MemorySegment packed, float[] scales, int groupColumns) {
    this.spec = spec;
    this.packed = packed;
    this.scales = scales;
    this.groupColumns = groupColumns;
  }

  /// Name and dimensions.
  public TensorSpec spec() {
    return spec;
  }

  /// All trits in row order, packed by [TernaryPacking]; read-only and checked.
  public MemorySegment packed() {
    return packed;
  }

  @Override
  public int rows() {
    return spec.rows();
  }

  @Override
  public int columns() {
    return spec.columns();
  }

  /// The scale of a row. A BitLinear weight has one for all rows, an embedding one for each.
  @Override
  public float scale(int row) {
    return scale(row, 0);
  }

  @Override
  public int groupColumns() {
    return groupColumns == 0 ? columns() : groupColumns;
  }

  @Override
  public boolean isGrouped() {
    return groupColumns > 0;
  }

  @Override
  public float scale(int row, int group) {
    return scales.length == 1 ? scales[0] : scales[row * (columns() / groupColumns()) + group];
  }

  @Override
  public void unpack(int firstRow, int rows, byte[] trits) {
    Objects.checkFromIndexSize(firstRow, rows, spec.rows());
    int count = Math.multiplyExact(rows, spec.columns());
    TernaryPacking.unpack(packed, (long) firstRow * spec.columns(), trits, count);
  }
}
