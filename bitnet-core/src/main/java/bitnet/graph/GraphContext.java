package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.model.LlamaConfig;
import org.jspecify.annotations.Nullable;

/// What every part of the graph needs during one forward or backward pass.
///
/// @param ops the tensor functions
/// @param config the dimensions
/// @param type of the matrix products
/// @param angles of the positions of this pass
/// @param mask of attention, `[batch, 1, seq, seq]`; empty where it is causal
/// @param batch sequences in it
/// @param sharpness of the quantization of activations: 1, or less while it warms up
/// @param dropout of the inputs of adapters in training; null without
record GraphContext(
    TorchOps ops,
    LlamaConfig config,
    ComputeType type,
    RotaryEmbedding.Angles angles,
    NDArray mask,
    long batch,
    double sharpness,
    @Nullable Dropout dropout) {

  /// Quantization of x `[tokens, width]`, as the configuration says: absmax per token, per token
  /// and group of inputs, or none.
  TorchOps.PerToken quantize(NDManager scope, NDArray x) {
    int scaleColumns = config.weights().scaleColumns();
    ComputeType product = BitLinear.productType(type, scaleColumns);
    return switch (config.weights().activations()) {
      case INT8 -> ops.quantize(scope, x, sharpness, product);
      case INT8_GROUP -> ops.quantizeGroups(scope, x, scaleColumns, sharpness, product);
      case FLOAT -> ops.keepActivations(scope, x, product);
    };
  }
}
