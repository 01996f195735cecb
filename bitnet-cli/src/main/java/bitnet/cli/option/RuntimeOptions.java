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
          "auto, native (C, or one of its instruction sets: amx, avx512vnni, avx2, neon), vector"
              + " (Java's Vector API) or scalar; bitnet doctor says what can run here (default:"
              + " ${DEFAULT-VALUE}).")
  private String kernel;

  @Option(
      names = "--head",
      defaultValue = "int8",
      paramLabel = "T",
      description = "Embedding and output head in fp32, int8 or int4 (default: ${DEFAULT-VALUE}).")
  private String head;

  @Option(
      names = "--kv_cache",
      defaultValue = "fp16",
      paramLabel = "T",
      description = "Keys and values in fp16 or fp32 (default: ${DEFAULT-VALUE}).")
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
