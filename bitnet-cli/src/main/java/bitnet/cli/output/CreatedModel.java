package bitnet.cli.output;

import bitnet.model.LlamaConfig;
import bitnet.model.ModelFamily;
import bitnet.model.ModelFootprint;
import bitnet.model.ParameterBudget;
import bitnet.storage.Directories;
import bitnet.training.MemoryPlan;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What `bitnet create-model` says about the model it made.
///
/// @param directory where it lies
/// @param config its dimensions
/// @param requested the number of parameters asked for, unless dimensions were
/// @param tokenizerSize tokens of the tokenizer
/// @param seed of the weights
/// @param seconds it took
public record CreatedModel(
    Path directory,
    LlamaConfig config,
    Optional<ParameterBudget> requested,
    int tokenizerSize,
    long seed,
    double seconds) {
  /// The sequence for which the memory of training is told.
  private static final int TRAINING_SEQ = 512;

  /// `750M`, `5.3M`, `1.31B`: three digits.
  public static String shortCount(long count) {
    double value = count;
    int unit = 0;
    while (value >= 999.5 && unit < 3) {
      value /= 1000;
      unit++;
    }
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    String digits = String.format(Locale.ROOT, "%." + decimals + "f", value);
    String plain = digits.contains(".") ? digits.replaceAll("\\.?0+$", "") : digits;
    return plain + List.of("", "K", "M", "B").get(unit);
  }

  /// One fact a line.
  public String table() throws IOException {
    return requestedLine() + dimensionLines() + costLines();
  }

  private String dimensionLines() {
    return String.format(
        Locale.ROOT,
        """
        parameters    %,d, of which %,d are ternary
        family        %s
        hidden size   %d
        intermediate  %d (%s)
        heads         %d of %d, %d key/value heads
        layers        %d%s
        vocabulary    %d%s%s, tokenizer %d
        context       %d tokens
        seed          %d
        """,
        config.parameterCount(),
        new ModelFootprint(config).ternaryParameters(),
        ModelFamily.of(config).modelType(),
        config.hiddenSize(),
        config.intermediateSize(),
        config.activation().key(),
        config.headCount(),
        config.headDim(),
        config.keyValueHeadCount(),
        config.layerCount(),
        config.subNorms() ? ", sub-norms" : "",
        config.vocabSize(),
        config.tiedHead() ? ", tied head" : "",
        config.ternaryEmbeddings() ? ", ternary embedding" : "",
        tokenizerSize,
        config.contextLength(),
        seed);
  }

  private MemoryPlan trainingPlan() {
    return MemoryPlan.forTraining(config, 1, TRAINING_SEQ, false, true);
  }

  private static long stateBytes(MemoryPlan plan) {
    return plan.weightsBytes() + plan.gradientsBytes() + plan.momentsBytes();
  }

  private String costLines() throws IOException {
    MemoryPlan plan = trainingPlan();
    ModelFootprint footprint = new ModelFootprint(config);
    return String.format(
        Locale.ROOT,
        """
        on disk       %s in %s
        RAM to train  %s (16 bytes per parameter) + %s (a step of 1 x %d tokens)
        RAM to run    %s (weights) + %s (keys and values of %d tokens)
        time          %.1f s
        """,
        megabytes(Directories.fileBytes(directory)),
        directory,
        megabytes(stateBytes(plan)),
        megabytes(plan.totalBytes() - stateBytes(plan)),
        TRAINING_SEQ,
        megabytes(footprint.inferenceWeightBytes()),
        megabytes(footprint.cacheBytes()),
        config.contextLength(),
        seconds);
  }

  private String requestedLine() {
    return requested
        .map(
            budget -> {
              double off = 100.0 * (config.parameterCount() - budget.parameters());
              return String.format(
                  Locale.ROOT,
                  "requested     %,d parameters (%+.2f%%)%n",
                  budget.parameters(),
                  off / budget.parameters());
            })
        .orElse("");
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%,.1f MB", bytes / 1e6);
  }

  /// The same as one JSON object on one line.
  public String json() throws IOException {
    MemoryPlan plan = trainingPlan();
    ModelFootprint footprint = new ModelFootprint(config);
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("directory", directory.toString());
    requested.ifPresent(budget -> root.put("requested_parameters", budget.parameters()));
    root.put("parameters", config.parameterCount());
    root.put("ternary_parameters", footprint.ternaryParameters());
    root.put("family", ModelFamily.of(config).modelType());
    root.put("hidden_size", config.hiddenSize());
    root.put("intermediate_size", config.intermediateSize());
    root.put("layers", config.layerCount());
    root.put("heads", config.headCount());
    root.put("kv_heads", config.keyValueHeadCount());
    root.put("head_dim", config.headDim());
    root.put("vocab_size", config.vocabSize());
    root.put("tokenizer_size", tokenizerSize);
    root.put("context", config.contextLength());
    root.put("activation", config.activation().key());
    root.put("sub_norms", config.subNorms());
    root.put("tied", config.tiedHead());
    root.put("ternary_embeddings", config.ternaryEmbeddings());
    root.put("seed", seed);
    root.put("disk_bytes", Directories.fileBytes(directory));
    root.put("train_state_bytes", stateBytes(plan));
    root.put("train_bytes", plan.totalBytes());
    root.put("run_weight_bytes", footprint.inferenceWeightBytes());
    root.put("run_cache_bytes", footprint.cacheBytes());
    root.put("seconds", seconds);
    return root + System.lineSeparator();
  }
}
