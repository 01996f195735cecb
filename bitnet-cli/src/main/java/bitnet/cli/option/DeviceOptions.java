package bitnet.cli.option;

import bitnet.graph.DeviceSelector;
import bitnet.model.ComputeSettings;
import picocli.CommandLine.Option;

/// Options that say where to compute.
public final class DeviceOptions {

  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "N",
      description = "Number of threads; 0: one per core (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--device",
      defaultValue = "auto",
      paramLabel = "D",
      description = "auto, cpu, cuda, cuda:1 or mps (default: ${DEFAULT-VALUE}).")
  private String device;

  private DeviceOptions() {}

  int threads() {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "--threads %d is negative; use 0 for all cores".formatted(threads));
    }
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  String device() {
    DeviceSelector.requireKnown(device);
    return device;
  }

  /// Where the graph is computed.
  public ComputeSettings settings() {
    return new ComputeSettings(device(), threads());
  }
}
