package bitnet.model;

import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Ternary weights as floating-point numbers, the products of scales and trits: for inference whose
/// activations are not quantized. A weight takes 32 bits of memory then.
///
/// @param weights the trits, which stay their owner's
public record ProductWeights(TernaryWeights weights) implements TernaryWeights {

  @Override
  public LlamaConfig config() {
    return weights.config();
  }

  @Override
  public boolean isDense() {
    return true;
  }

  @Override
  public TernaryRows ternary(TensorSpec tensor) throws IOException {
    return weights.ternary(tensor);
  }

  @Override
  public void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws IOException {
    if (tensor.kind() != TensorSpec.Kind.TERNARY) {
      weights.readRows(tensor, firstRow, rows, target);
      return;
    }
    TernaryRows ternary = weights.ternary(tensor);
    multiply(ternary, firstRow, rows, target);
  }

  /// Writes rows of a matrix as fp32, scales applied.
  ///
  /// @param target `rows * columns` floats
  public static void multiply(TernaryRows ternary, int firstRow, int rows, MemorySegment target) {
    int columns = ternary.columns();
    int width = ternary.groupColumns();
    byte[] trits = new byte[columns];
    for (int row = 0; row < rows; row++) {
      ternary.unpack(firstRow + row, 1, trits);
      long first = (long) row * columns;
      for (int group = 0; group < columns / width; group++) {
        float scale = ternary.scale(firstRow + row, group);
        for (int column = group * width; column < (group + 1) * width; column++) {
          float weight = scale * trits[column];
          target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, first + column, weight);
        }
      }
    }
  }

  @Override
  public void unload() {
    weights.unload();
  }
}
