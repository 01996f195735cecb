package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.model.LlamaConfig;

/// What every part of the graph needs during one forward or backward pass.
///
/// @param ops the tensor functions
/// @param config the dimensions
/// @param type of the matrix products
/// @param angles of the positions of this pass
/// @param mask of attention, `[batch, 1, seq, seq]`; empty where it is causal
/// @param batch sequences in it
/// @param sharpness of the quantization of activations: 1, or less while it warms up
record GraphContext(
    TorchOps ops,
    LlamaConfig config,
    ComputeType type,
    RotaryEmbedding.Angles angles,
    NDArray mask,
    long batch,
    double sharpness) {

  /// Absmax quantization of x `[tokens, width]`.
  TorchOps.PerToken quantize(NDManager scope, NDArray x) {
    return ops.quantize(scope, x, sharpness, type);
  }
}
