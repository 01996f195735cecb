package bitnet.model;

import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Full-precision weights for inference as they are, without quantization.
///
/// @param latents the weights, which stay their owner's
public record DenseWeights(LatentWeights latents) implements TernaryWeights {

  @Override
  public LlamaConfig config() {
    return latents.config();
  }

  @Override
  public boolean isDense() {
    return true;
  }

  @Override
  public TernaryRows ternary(TensorSpec tensor) {
    throw new IllegalArgumentException(
        "tensor '%s' is full-precision; read its rows".formatted(tensor.name()));
  }

  @Override
  public void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws IOException {
    latents.read(tensor, (long) firstRow * tensor.columns(), target);
  }
}
