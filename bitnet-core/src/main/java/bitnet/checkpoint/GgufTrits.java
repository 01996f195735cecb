package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.FloatBlocks;
import bitnet.format.gguf.GgufCursor;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufTensor;
import bitnet.format.gguf.GgufType;
import bitnet.format.gguf.TritBlocks;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryQuantizer;
import bitnet.quantization.TernaryRows;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;

/// The trits and the scales of one linear layer in a GGUF file: of a ternary type, or of a float
/// type with no other values than -s, 0 and s. Valid until the file is closed.
final class GgufTrits implements TernaryRows {
  private static final float NOT_TERNARY = -1;

  private final GgufFile file;
  private final GgufTensor tensor;
  private final RotaryOrder order;
  private final int rows;
  private final int columns;
  private final MemorySegment data;
  private float[] scales = {}; // by row of the checkpoint, or one for all

  private GgufTrits(GgufFile file, GgufTensor tensor, RotaryOrder order, TensorSpec spec) {
    this.file = file;
    this.tensor = tensor;
    this.order = order;
    this.rows = spec.rows();
    this.columns = spec.columns();
    this.data = file.data(tensor);
  }

  /// Looks through a whole tensor for its scales.
  ///
  /// @param order of the rows in the file
  /// @param spec the layer
  /// @return nothing if the tensor holds floats that are not ternary
  /// @throws CheckpointException if a ternary tensor has several scales in a row, or is damaged
  static Optional<GgufTrits> of(
      GgufFile file, GgufTensor tensor, RotaryOrder order, TensorSpec spec)
      throws CheckpointException {
    GgufTrits trits = new GgufTrits(file, tensor, order, spec);
    float[] found = new float[trits.rows];
    boolean ternary = tensor.type().isTernary();
    byte[] block = new byte[tensor.type().blockValues()];
    float[] values = new float[ternary ? 0 : trits.columns];
    for (int row = 0; row < trits.rows; row++) {
      found[row] =
          ternary ? trits.blockScale(row, block) : trits.valueScale(order.inFile(row), values);
      if (found[row] == NOT_TERNARY) {
        return Optional.empty();
      }
    }
    trits.scales = trits.settled(found);
    return Optional.of(trits);
  }

  /// A row of zeros takes the scale of the others.
  private float[] settled(float[] found) {
    float first = 0;
    boolean uniform = true;
    for (float scale : found) {
      first = first == 0 ? scale : first;
      uniform &= scale == 0 || scale == first;
    }
    float common = first == 0 ? zeroScale() : first;
    if (uniform) {
      return new float[] {common};
    }
    float[] settled = found.clone();
    for (int row = 0; row < settled.length; row++) {
      settled[row] = settled[row] == 0 ? common : settled[row];
    }
    return settled;
  }

  /// The scale of a tensor of zeros: the stored one, if it is any.
  private float zeroScale() {
    float stored = tensor.type().isTernary() ? storedScale(0) : 0;
    return stored > 0 && Float.isFinite(stored) ? stored : TernaryQuantizer.LEAST_SCALE;
  }

  private float storedScale(long block) {
    return tensor.type() == GgufType.I2_S
        ? data.get(GgufCursor.FLOAT, data.byteSize() - GgufType.I2_S_TAIL_BYTES)
        : TritBlocks.scale(tensor.type(), data, block);
  }

  /// The scale that all blocks of a row share; 0 if all its trits are.
  private float blockScale(int row, byte[] scratch) throws CheckpointException {
    int blocks = columns / tensor.type().blockValues();
    long firstBlock = (long) order.inFile(row) * blocks;
    float scale = 0;
    for (long block = firstBlock; block < firstBlock + blocks; block++) {
      try {
        TritBlocks.validate(tensor.type(), data, block);
      } catch (IllegalArgumentException damage) {
        throw fault("block %d: %s".formatted(block, damage.getMessage()));
      }
      float stored = storedScale(block);
      if ((stored == scale && stored > 0) || isZero(block, scratch)) {
        continue;
      }
      if (!(stored > 0 && Float.isFinite(stored))) {
        throw fault(
            "block %d has the scale %s; it must be positive and finite".formatted(block, stored));
      }
      if (scale != 0) {
        throw fault(
            "block %d has the scale %s and one before it in row %d has %s; a row must have one scale, so"
                    .formatted(block, stored, order.inFile(row), scale)
                + " convert the model from its checkpoint, not from a file that was quantized"
                + " without training");
      }
      scale = stored;
    }
    return scale;
  }

  private boolean isZero(long block, byte[] scratch) {
    TritBlocks.unpack(tensor.type(), data, block, 1, scratch, 0);
    for (byte trit : scratch) {
      if (trit != 0) {
        return false;
      }
    }
    return true;
  }

  private CheckpointException fault(String reason) {
    return CheckpointException.ofTensor(file.path(), tensor.name(), reason);
  }

  /// The only magnitude in a row of floats but 0.
  private float valueScale(int fileRow, float[] values) {
    float scale = 0;
    read(fileRow, values);
    for (float value : values) {
      float magnitude = Math.abs(value);
      if (magnitude != 0 && magnitude != scale) {
        if (scale != 0 || !Float.isFinite(magnitude)) {
          return NOT_TERNARY;
        }
        scale = magnitude;
      }
    }
    return scale;
  }

  private void read(int fileRow, float[] values) {
    FloatBlocks.toFloats(
        tensor.type(), data, (long) fileRow * columns, columns, MemorySegment.ofArray(values));
  }

  /// Whether all rows have the same scale.
  boolean isUniform() {
    return scales.length == 1;
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
  public float scale(int row) {
    Objects.checkIndex(row, rows);
    return isUniform() ? scales[0] : scales[row];
  }

  @Override
  public void unpack(int firstRow, int count, byte[] trits) {
    Objects.checkFromIndexSize(firstRow, count, rows);
    float[] values = new float[tensor.type().isTernary() ? 0 : columns];
    for (int row = 0; row < count; row++) {
      int fileRow = order.inFile(firstRow + row);
      int offset = row * columns;
      if (tensor.type().isTernary()) {
        int blocks = columns / tensor.type().blockValues();
        TritBlocks.unpack(tensor.type(), data, (long) fileRow * blocks, blocks, trits, offset);
      } else {
        read(fileRow, values);
        for (int column = 0; column < columns; column++) {
          trits[offset + column] = (byte) Math.signum(values[column]);
        }
      }
    }
  }
}
