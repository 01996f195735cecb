package bitnet.cli.option;

import bitnet.checkpoint.ModelLocation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// The model that a command reads, and the adapter that it is used with.
public final class AdapterOptions {
  /// What a path to an adapter may name.
  public static final String KINDS =
      "a training run with --lora_rank, or a directory with adapter_config.json and"
          + " adapter_model.safetensors, as PEFT saves it.";

  @Mixin private ModelOptions model;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "LoRA adapter of the model, computed next to its packed weights: " + KINDS)
  private @Nullable Path adapter;

  private AdapterOptions() {}

  /// Where both are; a model of the hub is downloaded.
  ///
  /// @throws IOException if the hub refuses it
  public ModelLocation location() throws IOException {
    return new ModelLocation(model.path(), Optional.ofNullable(adapter));
  }

  /// Where the model is.
  ///
  /// @throws IOException if the hub refuses it
  public Path path() throws IOException {
    return model.path();
  }
}
