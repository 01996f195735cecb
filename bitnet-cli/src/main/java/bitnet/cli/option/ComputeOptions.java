package bitnet.cli.option;

import bitnet.device.ProcessorFeatures;
import bitnet.graph.ComputeType;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Options that say where and how to compute.
public final class ComputeOptions {

  @Option(
      names = "--dtype",
      defaultValue = "auto",
      paramLabel = "T",
      description =
          "Data type of matrix products: fp32 or bf16; auto: bf16 if the processor "
              + "supports it (default: ${DEFAULT-VALUE}).")
  private String dtype;

  @Mixin private DeviceOptions place;

  private ComputeOptions() {}

  public ComputeType type(ProcessorFeatures features) {
    return ComputeType.of(dtype, features.hasBf16Products());
  }

  public int threads() {
    return place.threads();
  }

  public String device() {
    return place.device();
  }
}
