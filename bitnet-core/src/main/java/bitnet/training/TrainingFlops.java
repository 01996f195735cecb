package bitnet.training;

import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;

/// The arithmetic of training, as in the PaLM paper (arXiv 2204.02311, appendix B): 6 operations
/// per multiplied weight and token, and 12 * layers * width * seq for attention.
final class TrainingFlops {

  private TrainingFlops() {}

  /// Floating-point operations of forward and backward passes for one token. Frozen weights have no
  /// gradient, which is a third of the products; an adapter's own are left out of the count.
  ///
  /// @param frozen whether only an adapter is trained
  static double perToken(LlamaConfig config, int seq, boolean frozen) {
    long multiplied =
        config.tensors().stream()
            .filter(tensor -> tensor.kind() == TensorSpec.Kind.TERNARY)
            .mapToLong(TensorSpec::count)
            .sum();
    double head = (double) config.vocabSize() * config.hiddenSize();
    return (frozen ? 4 : 6) * (multiplied + head)
        + 12.0 * config.layerCount() * config.queryWidth() * seq;
  }
}
