package bitnet.runtime;

import bitnet.kernel.CacheType;
import bitnet.kernel.KernelSelector;

/// How the runtime computes.
///
/// @param threads that compute together
/// @param kernel `auto`, or the name of kernels (see [bitnet.kernel.KernelSelector#select])
/// @param head how embedding and head are kept
/// @param cache how keys and values are kept
public record RuntimeSettings(int threads, String kernel, LmHeadType head, CacheType cache) {

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

  /// The fastest: every processor, the best kernels, an 8-bit head and a 16-bit cache.
  public static RuntimeSettings fastest() {
    return new RuntimeSettings(
        Runtime.getRuntime().availableProcessors(), "auto", LmHeadType.INT8, CacheType.FP16);
  }

  /// The most accurate: as the fastest, with head and cache in single precision.
  public static RuntimeSettings exact() {
    return new RuntimeSettings(
        Runtime.getRuntime().availableProcessors(), "auto", LmHeadType.FP32, CacheType.FP32);
  }

  /// These settings with another number of threads.
  public RuntimeSettings withThreads(int other) {
    return new RuntimeSettings(other, kernel, head, cache);
  }

  /// These settings with other kernels.
  public RuntimeSettings withKernel(String other) {
    return new RuntimeSettings(threads, other, head, cache);
  }
}
