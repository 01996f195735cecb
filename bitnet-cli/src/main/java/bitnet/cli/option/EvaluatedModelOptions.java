package bitnet.cli.option;

import bitnet.checkpoint.ModelLocation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

  @Option(
      names = "--adapter",
      paramLabel = "[NAME=]DIR",
      description =
          "LoRA adapter of the model of that name, or of the only one; may be repeated: "
              + AdapterOptions.KINDS)
  private List<String> adapters = List.of();

  private EvaluatedModelOptions() {}

  /// The models with their adapters, by names; models of the hub are downloaded.
  ///
  /// @throws IOException if the hub refuses one
  public Map<String, ModelLocation> locations() throws IOException {
    Map<String, ModelLocation> locations = new LinkedHashMap<>();
    paths().forEach((name, path) -> locations.put(name, ModelLocation.of(path)));
    for (String adapter : adapters) {
      int equals = adapter.indexOf('=');
      String name = equals > 0 ? adapter.substring(0, equals) : only(locations, adapter);
      ModelLocation location = locations.get(name);
      if (location == null) {
        throw new IllegalArgumentException(
            "--adapter %s is for a model that is not evaluated; name one of %s"
                .formatted(adapter, String.join(", ", locations.keySet())));
      }
      Path path = Path.of(adapter.substring(equals + 1));
      locations.put(name, new ModelLocation(location.model(), Optional.of(path)));
    }
    return locations;
  }

  private static String only(Map<String, ModelLocation> locations, String adapter) {
    if (locations.size() > 1) {
      throw new IllegalArgumentException(
          "--adapter %s could belong to any of %s; write --adapter name=DIR"
              .formatted(adapter, String.join(", ", locations.keySet())));
    }
    return locations.isEmpty() ? "" : locations.keySet().iterator().next();
  }

  /// Directories by names; models of the hub are downloaded.
  ///
  /// @throws IOException if the hub refuses one
  private Map<String, Path> paths() throws IOException {
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
