package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/// Root-mean-square normalization (Zhang and Sennrich, arXiv 1910.07467) with a learned gain.
///
/// @param gain `[width]`
/// @param epsilon added to the mean square before the root
record RmsNorm(Parameter gain, double epsilon) {

  /// x `[tokens, width]` → normed values and `1 / rms` per token, which the gradient needs.
  TorchOps.PerToken forward(GraphContext context, NDManager scope, NDArray x) {
    return context.ops().rmsNorm(scope, x, gain.value(), epsilon);
  }

  /// The gradient of x; the gain's is added to its parameter.
  NDArray backward(
      GraphContext context, NDManager scope, NDArray dy, NDArray x, NDArray inverseRms) {
    return context.ops().rmsNormBackward(scope, dy, x, inverseRms, gain.value(), gain.gradient());
  }

  /// Norm and absmax quantization in one go, for the input of a BitLinear.
  Quantized quantized(GraphContext context, NDManager scope, NDArray x) {
    TorchOps.PerToken normed = forward(context, scope, x);
    try (NDArray values = normed.values()) {
      return new Quantized(context.quantize(scope, values), normed.factor());
    }
  }

  /// A normed and quantized tensor.
  ///
  /// @param quantized integers in -127..127 and the size of one, per token
  /// @param inverseRms per token
  record Quantized(TorchOps.PerToken quantized, NDArray inverseRms) {}
}
