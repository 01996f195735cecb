package bitnet.cli.option;

import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/// The model that a command reads.
public final class ModelOptions {
  /// What a path to a model may name.
  public static final String KINDS =
      "a model directory, a training run, a Hugging Face directory, a GGUF file (no pipe) or"
          + " ORG/NAME[@REVISION][:QUANT] of the hub.";

  @Option(
      names = "--model_path",
      required = true,
      paramLabel = "PATH",
      description = "Model: " + KINDS)
  private Path path;

  private ModelOptions() {}

  /// Where the model is, for [bitnet.checkpoint.ModelSource#open]; the hub's are downloaded.
  ///
  /// @throws IOException if the hub refuses it
  public Path path() throws IOException {
    path = HubModel.local(path); // asks the hub once
    return path;
  }
}
