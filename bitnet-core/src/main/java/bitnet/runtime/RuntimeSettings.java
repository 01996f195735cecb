package bitnet.runtime;

import bitnet.kernel.CacheType;
import bitnet.kernel.KernelSelector;
import bitnet.model.ActivationScale;
import bitnet.model.LlamaConfig;
import java.util.Optional;

/// How the runtime computes.
///
/// @param threads that compute together
/// @param kernel `auto`, or the name of kernels (see [bitnet.kernel.KernelSelector#select])
/// @param head how embedding and head are kept
/// @param cache how keys and values are kept
/// @param fullPrecision whether a checkpoint that is not ternary is computed as it is, in fp32, and
///     not made ternary
/// @param activations how the inputs of ternary layers are quantized; empty for what the model's
///     configuration says
public record RuntimeSettings(
    int threads,
    String kernel,
    LmHeadType head,
    CacheType cache,
    boolean fullPrecision,
    Optional<ActivationScale> activations) {

  /// Settings for ternary models, and for others that are made ternary.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public RuntimeSettings(int threads, String kernel, LmHeadType head, CacheType cache) {
    this(threads, kernel, head, cache, false, Optional.empty());
  }

  /// Checks the number of threads and the name of the kernels.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public RuntimeSettings {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException(
          "threads %d is not between 1 and 1024; use %d, this machine's processors"
              .formatted(threads, Runtime.getRuntime().availableProcessors()));
    }
    KernelSelector.requireKnown(kernel);
  }

  /// These settings, with the inputs of ternary layers quantized in another way.
  public RuntimeSettings withActivations(ActivationScale other) {
    return new RuntimeSettings(threads, kernel, head, cache, fullPrecision, Optional.of(other));
  }

  /// How the inputs of a model's ternary layers are quantized.
  ///
  /// @throws IllegalArgumentException if these settings ask for group scales that it has not
  public ActivationScale activations(LlamaConfig config) {
    return activations.isEmpty()
        ? config.weights().activations()
        : config.withActivations(activations.get()).weights().activations();
  }

  /// The fastest: every processor, the best kernels, a packed or an 8-bit head and a 16-bit cache.
  public static RuntimeSettings fastest() {
    return new RuntimeSettings(
        Runtime.getRuntime().availableProcessors(), "auto", LmHeadType.AUTO, CacheType.FP16);
  }

  /// The most accurate: as the fastest, with head and cache in single precision.
  public static RuntimeSettings exact() {
    return new RuntimeSettings(
        Runtime.getRuntime().availableProcessors(), "auto", LmHeadType.FP32, CacheType.FP32);
  }

  /// These settings with another number of threads.
  public RuntimeSettings withThreads(int other) {
    return new RuntimeSettings(other, kernel, head, cache, fullPrecision, activations);
  }

  /// These settings with other kernels.
  public RuntimeSettings withKernel(String other) {
    return new RuntimeSettings(threads, other, head, cache, fullPrecision, activations);
  }

  /// These settings, for the precision of a checkpoint that is not ternary.
  ///
  /// @param other whether it is computed as it is
  public RuntimeSettings withFullPrecision(boolean other) {
    return new RuntimeSettings(threads, kernel, head, cache, other, activations);
  }
}
