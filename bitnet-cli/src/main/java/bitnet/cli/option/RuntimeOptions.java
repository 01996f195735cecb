package bitnet.cli.option;

import bitnet.kernel.CacheType;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Options of commands that run a model.
public final class RuntimeOptions {

  @Option(
      names = "--kernel",
      defaultValue = "auto",
      paramLabel = "K",
      description =
          "Kernels: auto, native (C, or one of its instruction sets: amx, avx512vnni, "
              + "avx2, neon), vector (Java Vector API) or scalar; bitnet doctor lists those "
              + "that run here (default: ${DEFAULT-VALUE}).")
  private String kernel;

  @Option(
      names = "--lm_head",
      defaultValue = "int8",
      paramLabel = "T",
      description =
          "Storage type of embedding and output head: fp32, int8 or int4 (default: "
              + "${DEFAULT-VALUE}).")
  private String head;

  @Option(
      names = "--kv_cache",
      defaultValue = "fp16",
      paramLabel = "T",
      description = "Type of the key/value cache: fp16 or fp32 (default: ${DEFAULT-VALUE}).")
  private String cache;

  @Mixin private DeviceOptions place;

  private RuntimeOptions() {}

  public RuntimeSettings settings() {
    return new RuntimeSettings(place.threads(), kernel, LmHeadType.of(head), CacheType.of(cache));
  }

  public String device() {
    return place.device();
  }
}
