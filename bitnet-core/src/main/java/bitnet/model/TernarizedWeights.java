package bitnet.model;

import bitnet.quantization.TernaryQuantizer;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Latent weights as inference uses them: linear layers are quantized when they are asked for, as
/// the graph does in training.
///
/// Holds one floating-point tensor at a time, off the heap until it is collected; the trits of a
/// layer are its caller's.
public final class TernarizedWeights implements TernaryWeights {
  private final LatentWeights latents;
  private @Nullable TensorSpec held;
  private MemorySegment values = MemorySegment.NULL;

  /// Quantizes latent weights, which stay their owner's.
  public TernarizedWeights(LatentWeights latents) {
    this.latents = latents;
  }

  @Override
  public LlamaConfig config() {
    return latents.config();
  }

  @Override
  public TernaryRows ternary(TensorSpec tensor) throws IOException {
    try (Arena scope = Arena.ofConfined()) {
      MemorySegment weights = scope.allocate(tensor.count() * Float.BYTES, Float.BYTES);
      latents.read(tensor, weights);
      float scale = TernaryQuantizer.scale(weights, tensor.rows(), tensor.columns());
      byte[][] rows = new byte[tensor.rows()][tensor.columns()];
      for (int row = 0; row < tensor.rows(); row++) {
        long first = (long) row * tensor.columns();
        TernaryQuantizer.quantize(weights, first, scale, rows[row], 0, tensor.columns());
      }
      return new Trits(rows, scale);
    }
  }

  /// Reads rows; with ternary embeddings those are quantized row by row.
  @Override
  public synchronized void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws IOException {
    hold(tensor);
    long rowBytes = (tensor.isMatrix() ? tensor.columns() : tensor.rows()) * (long) Float.BYTES;
    MemorySegment.copy(values, firstRow * rowBytes, target, 0, rows * rowBytes);
    if (tensor.kind() == TensorSpec.Kind.EMBEDDING && config().ternaryEmbeddings()) {
      for (int row = 0; row < rows; row++) {
        ternarizeRow(target.asSlice(row * rowBytes, rowBytes), tensor.columns());
      }
    }
  }

  private static void ternarizeRow(MemorySegment row, int columns) {
    float scale = TernaryQuantizer.scale(row, 1, columns);
    byte[] trits = new byte[columns];
    TernaryQuantizer.quantize(row, 0, scale, trits, 0, columns);
    for (int column = 0; column < columns; column++) {
      row.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, column, scale * trits[column]);
    }
  }

  private void hold(TensorSpec tensor) throws IOException {
    if (!tensor.equals(held)) {
      values = Arena.ofAuto().allocate(tensor.count() * Float.BYTES, Float.BYTES);
      latents.read(tensor, values);
      held = tensor;
    }
  }

  /// Trits on the heap, with one scale.
  private static final class Trits implements TernaryRows {
    private final byte[][] trits;
    private final float scale;

    Trits(byte[][] trits, float scale) {
      this.trits = trits;
      this.scale = scale;
    }

    @Override
    public int rows() {
      return trits.length;
    }

    @Override
    public int columns() {
      return trits[0].length;
    }

    @Override
    public float scale(int row) {
      Objects.checkIndex(row, trits.length);
      return scale;
    }

    @Override
    public void unpack(int firstRow, int rows, byte[] target) {
      Objects.checkFromIndexSize(firstRow, rows, trits.length);
      for (int row = 0; row < rows; row++) {
        System.arraycopy(trits[firstRow + row], 0, target, row * columns(), columns());
      }
    }
  }
}
