package bitnet.cli.option;

import bitnet.kernel.CacheType;
import bitnet.model.ActivationScale;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
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
      paramLabel = "T",
      description =
          "Storage type of embedding and output head: fp32, int8, int4, packed (ternary ones) or "
              + "auto: packed where they are ternary, else int8 (default: auto; with"
              + " --full_precision fp32).")
  private @Nullable String head;

  @Option(
      names = "--kv_cache",
      paramLabel = "T",
      description =
          "Type of the key/value cache: fp16 or fp32 (default: fp16; with --full_precision fp32).")
  private @Nullable String cache;

  @Option(
      names = "--full_precision",
      description =
          "Compute a checkpoint that is not ternary as it is, in fp32, without quantization."
              + " Without it such a checkpoint is made ternary.")
  private boolean fullPrecision;

  @Option(
      names = "--activations",
      defaultValue = "auto",
      paramLabel = "A",
      description =
          "Quantization of the inputs of ternary layers: int8 (one scale per token), int8-group"
              + " (one per group of inputs that shares a weight scale), float (none; weights take"
              + " 32 bits in memory) or auto, what the model's configuration says (default:"
              + " ${DEFAULT-VALUE}).")
  private String activations;

  @Mixin private DeviceOptions place;

  private RuntimeOptions() {}

  public RuntimeSettings settings() {
    RuntimeSettings defaults =
        fullPrecision ? RuntimeSettings.exact().withFullPrecision(true) : RuntimeSettings.fastest();
    return new RuntimeSettings(
        place.threads(),
        kernel,
        head == null ? defaults.head() : LmHeadType.of(head),
        cache == null ? defaults.cache() : CacheType.of(cache),
        fullPrecision,
        activations.equals("auto")
            ? Optional.empty()
            : Optional.of(ActivationScale.of(activations)));
  }

  public String device() {
    return place.device();
  }

  /// Refuses a GPU for a command that has packed weights only.
  ///
  /// @throws IllegalArgumentException if the device is another than the processor
  public void requireProcessor(String command) {
    if (!List.of("auto", "cpu").contains(device())) {
      throw new IllegalArgumentException(
          "--device %s cannot be used: %s computes with packed weights on the processor;"
                  .formatted(device(), command)
              + " leave it out");
    }
  }
}
