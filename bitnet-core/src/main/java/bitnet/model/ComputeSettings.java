package bitnet.model;

/// Where a model is computed.
///
/// @param device `auto`, `cpu`, `cuda`, `cuda:1` or `mps`
/// @param threads of the processor, where that is the device
public record ComputeSettings(String device, int threads) {

  /// Checks the number of threads.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public ComputeSettings {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException(
          "threads %d is not between 1 and 1024; use %d, this machine's processors"
              .formatted(threads, Runtime.getRuntime().availableProcessors()));
    }
  }

  /// The best device, and every processor.
  public static ComputeSettings automatic() {
    return new ComputeSettings("auto", Runtime.getRuntime().availableProcessors());
  }
}
