package bitnet.cli.option;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The models that `bitnet evaluate` evaluates.
public final class EvaluatedModelOptions {

  @Option(
      names = "--ce_model",
      paramLabel = "DIR",
      description =
          "Model to evaluate, called ce in the results: a model directory, a training run, a"
              + " Hugging Face directory, a GGUF file or ORG/NAME[@REVISION][:QUANT] of the hub.")
  private @Nullable Path crossEntropy;

  @Option(
      names = "--grpo_model",
      paramLabel = "DIR",
      description = "Model to evaluate, called grpo in the results.")
  private @Nullable Path grpo;

  @Option(
      names = "--model",
      paramLabel = "NAME=DIR",
      description = "Model to evaluate under a name of your choice; may be repeated.")
  private List<String> others = List.of();

  private EvaluatedModelOptions() {}

  /// Directories by names; models of the hub are downloaded.
  ///
  /// @throws IOException if the hub refuses one
  public Map<String, Path> paths() throws IOException {
    Map<String, Path> paths = new LinkedHashMap<>();
    if (crossEntropy != null) {
      paths.put("ce", crossEntropy);
    }
    if (grpo != null) {
      paths.put("grpo", grpo);
    }
    for (String other : others) {
      int equals = other.indexOf('=');
      if (equals < 1 || equals == other.length() - 1) {
        throw new IllegalArgumentException(
            "--model %s is not a name and a directory; write --model name=DIR".formatted(other));
      }
      String name = other.substring(0, equals);
      if (paths.put(name, Path.of(other.substring(equals + 1))) != null) {
        throw new IllegalArgumentException(
            "two models are named %s; give one of them another name".formatted(name));
      }
    }
    for (Map.Entry<String, Path> model : paths.entrySet()) {
      model.setValue(HubModel.local(model.getValue()));
    }
    return paths;
  }
}
