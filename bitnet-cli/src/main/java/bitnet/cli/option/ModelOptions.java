package bitnet.cli.option;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/// The model that a command reads.
public final class ModelOptions {
  /// What a path to a model may name.
  public static final String KINDS =
      "a model directory, a training run, a Hugging Face directory or a GGUF file (no pipe).";

  @Option(
      names = "--model_path",
      required = true,
      paramLabel = "PATH",
      description = "Model: " + KINDS)
  private Path path;

  private ModelOptions() {}

  /// Where the model is, for [bitnet.checkpoint.ModelSource#open].
  public Path path() {
    return path;
  }
}
