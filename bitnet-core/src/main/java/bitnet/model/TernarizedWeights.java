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
      if (config().hasGroupScales()) {
        return groups(tensor, weights);
      }
      float scale = TernaryQuantizer.scale(weights, tensor.rows(), tensor.columns());
      byte[][] rows = new byte[tensor.rows()][tensor.columns()];
      for (int row = 0; row < tensor.rows(); row++) {
        long first = (long) row * tensor.columns();
        TernaryQuantizer.quantize(weights, first, scale, rows[row], 0, tensor.columns());
      }
      return new Trits(rows, new float[] {scale}, tensor.columns());
    }
  }

  private TernaryRows groups(TensorSpec tensor, MemorySegment weights) {
    int width = config().weights().scaleColumns();
    int groups = tensor.columns() / width;
    byte[][] rows = new byte[tensor.rows()][tensor.columns()];
    float[] scales = new float[tensor.rows() * groups];
    for (int row = 0; row < tensor.rows(); row++) {
      for (int group = 0; group < groups; group++) {
        long first = (long) row * tensor.columns() + (long) group * width;
        float scale = TernaryQuantizer.groupScale(weights, first, width);
        scales[row * groups + group] = scale;
        TernaryQuantizer.quantize(weights, first, scale, rows[row], group * width, width);
      }
    }
    return new Trits(rows, scales, width);
  }

  /// Reads rows; with ternary embeddings those are quantized row by row.
  @Override
  public synchronized void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws IOException {
    hold(tensor);
    long rowBytes = (tensor.isMatrix() ? tensor.columns() : tensor.rows()) * (long) Float.BYTES;
    MemorySegment.copy(values, firstRow * rowBytes, target, 0, rows * rowBytes);
    if (tensor.kind() != TensorSpec.Kind.TERNARY && config().isTernary(tensor)) {
      int width = config().hasGroupScales() ? config().weights().scaleColumns() : tensor.columns();
      for (long first = 0; first < rows * (long) tensor.columns(); first += width) {
        ternarize(target.asSlice(first * Float.BYTES, (long) width * Float.BYTES), width);
      }
    }
  }

  private void ternarize(MemorySegment row, int columns) {
    float scale =
        config().hasGroupScales()
            ? TernaryQuantizer.groupScale(row, 0, columns)
            : TernaryQuantizer.scale(row, 1, columns);
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

  /// Trits on the heap, with one scale or with group scales.
  private static final class Trits implements TernaryRows {
    private final byte[][] trits;
    private final float[] scales;
    private final int groupColumns;

    /// @param scales one for all rows, or one for each group of columns of each row
    Trits(byte[][] trits, float[] scales, int groupColumns) {
      this.trits = trits;
      this.scales = scales;
      this.groupColumns = groupColumns;
    }

    @Override
    public int groupColumns() {
      return groupColumns;
    }

    @Override
    public boolean isGrouped() {
      return scales.length > 1;
    }

    @Override
    public float scale(int row, int group) {
      Objects.checkIndex(row, trits.length);
      return scales[scales.length == 1 ? 0 : row * (columns() / groupColumns) + group];
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
      return scale(row, 0);
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
