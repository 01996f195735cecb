package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufTensor;
import bitnet.format.gguf.TritBlocks;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryRows;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// A ternary parameter of a GGUF file with a scale for each block of a row. Valid until the file is
/// closed.
///
/// A negative scale is given as its magnitude with the opposite trits, the trits of a block with
/// the scale 0 as zeros.
final class GgufGroupTrits implements TernaryRows {
  private final GgufTensor tensor;
  private final RotaryOrder order;
  private final int rows;
  private final int columns;
  private final MemorySegment data;

  private GgufGroupTrits(GgufFile file, GgufTensor tensor, RotaryOrder order, TensorSpec spec) {
    this.tensor = tensor;
    this.order = order;
    this.rows = spec.rows();
    this.columns = spec.columns();
    this.data = file.data(tensor);
  }

  /// Checks the scale and the codes of every block.
  ///
  /// @throws CheckpointException naming the first that is not a ternary one
  static GgufGroupTrits of(GgufFile file, GgufTensor tensor, RotaryOrder order, TensorSpec spec)
      throws CheckpointException {
    GgufGroupTrits trits = new GgufGroupTrits(file, tensor, order, spec);
    long blocks = tensor.count() / tensor.type().blockValues();
    for (long block = 0; block < blocks; block++) {
      String fault = null;
      float scale = TritBlocks.scale(tensor.type(), trits.data, block);
      if (!Float.isFinite(scale)) {
        fault = "the scale is %s; it must be finite".formatted(scale);
      }
      try {
        TritBlocks.validate(tensor.type(), trits.data, block);
      } catch (IllegalArgumentException damage) {
        fault = String.valueOf(damage.getMessage());
      }
      if (fault != null) {
        throw CheckpointException.ofTensor(
            file.path(), tensor.name(), "block %d: %s; get the file again".formatted(block, fault));
      }
    }
    return trits;
  }

  private long firstBlock(int row) {
    Objects.checkIndex(row, rows);
    return (long) order.inFile(row) * (columns / groupColumns());
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public int groupColumns() {
    return tensor.type().blockValues();
  }

  @Override
  public boolean hasHalfScales() {
    return true; // the file's form
  }

  @Override
  public boolean isGrouped() {
    return true;
  }

  @Override
  public float scale(int row) {
    return scale(row, 0);
  }

  @Override
  public float scale(int row, int group) {
    Objects.checkIndex(group, columns / groupColumns());
    return Math.abs(TritBlocks.scale(tensor.type(), data, firstBlock(row) + group));
  }

  @Override
  public void unpack(int firstRow, int count, byte[] trits) {
    Objects.checkFromIndexSize(firstRow, count, rows);
    int blocks = columns / groupColumns();
    for (int row = 0; row < count; row++) {
      long first = firstBlock(firstRow + row);
      TritBlocks.unpack(tensor.type(), data, first, blocks, trits, row * columns);
      for (int block = 0; block < blocks; block++) {
        float scale = TritBlocks.scale(tensor.type(), data, first + block);
        if (scale <= 0) {
          turn(trits, row * columns + block * groupColumns(), scale == 0 ? 0 : -1);
        }
      }
    }
  }

  private void turn(byte[] trits, int first, int factor) {
    for (int i = first; i < first + groupColumns(); i++) {
      trits[i] = (byte) (factor * trits[i]);
    }
  }
}
