package bitnet.runtime;

import bitnet.kernel.DenseMatrix;
import bitnet.kernel.FloatMatrix;
import bitnet.kernel.Int4Matrix;
import bitnet.kernel.Int8Matrix;
import bitnet.kernel.QuantizedActivations;
import bitnet.kernel.TernaryKernels;
import bitnet.kernel.ThreadTeam;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// An embedding or output head `[vocab, hidden]` whose rows are not ternary.
final class DenseVocabulary implements VocabularyMatrix {
  /// After so many rows a thread lets go of what it read: a vocabulary may be most of a file.
  private static final int UNLOAD_ROWS = 16 * GRANULE;

  private final LmHeadType type;
  private final DenseMatrix matrix;

  /// Memory for a matrix of that type.
  ///
  /// @param arena owns it
  DenseVocabulary(LmHeadType type, int rows, int columns, Arena arena) {
    this.type = type;
    this.matrix =
        switch (type) {
          case FP32 -> new FloatMatrix(rows, columns, arena);
          case INT8 -> new Int8Matrix(rows, columns, arena);
          case INT4 -> new Int4Matrix(rows, columns, arena);
          case AUTO, PACKED -> throw new IllegalArgumentException(type + " is not a dense type");
        };
  }

  @Override
  public LmHeadType type() {
    return type;
  }

  @Override
  public int vocab() {
    return matrix.outFeatures();
  }

  @Override
  public long bytes() {
    return matrix.bytes();
  }

  @Override
  public int granule(TernaryKernels kernels) {
    return GRANULE;
  }

  @Override
  public void getRow(int row, MemorySegment target) {
    matrix.getRow(row, target);
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
    switch (matrix) {
      case FloatMatrix floats ->
          kernels.multiply(floats, input, tokens, firstRow, endRow, out, vocab());
      case Int8Matrix bytes ->
          kernels.multiply(bytes, quantized, tokens, firstRow, endRow, out, vocab());
      case Int4Matrix nibbles ->
          kernels.multiply(nibbles, quantized, tokens, firstRow, endRow, out, vocab());
    }
  }

  @Override
  public void load(
      TernaryWeights weights, TensorSpec tensor, TernaryKernels kernels, ThreadTeam team)
      throws IOException {
    try {
      team.forRanges(
          tensor.rows(),
          GRANULE,
          (first, end) -> {
            try {
              load(weights, tensor, kernels, first, end);
            } catch (IOException failure) {
              throw new UncheckedIOException(failure);
            }
          });
    } catch (UncheckedIOException failure) {
      throw failure.getCause();
    }
  }

  private void load(
      TernaryWeights weights, TensorSpec tensor, TernaryKernels kernels, int first, int end)
      throws IOException {
    int columns = tensor.columns();
    float[] buffer = new float[GRANULE * columns];
    MemorySegment target = MemorySegment.ofArray(buffer);
    for (int row = first; row < end; row += GRANULE) {
      if ((row - first) % UNLOAD_ROWS == 0) {
        weights.unload();
      }
      int count = Math.min(GRANULE, end - row);
      weights.readRows(tensor, row, count, target.asSlice(0, (long) count * columns * Float.BYTES));
      for (int i = 0; i < count; i++) {
        if (matrix instanceof Int8Matrix bytes) {
          kernels.setRow(bytes, row + i, buffer, i * columns);
        } else {
          matrix.setRow(row + i, buffer, i * columns);
        }
      }
    }
  }
}
