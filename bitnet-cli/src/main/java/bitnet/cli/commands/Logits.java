package bitnet.cli.commands;

import bitnet.checkpoint.ModelSource;
import bitnet.cli.option.AdapterOptions;
import bitnet.cli.option.DeviceOptions;
import bitnet.cli.output.ExitCode;
import bitnet.graph.GraphLanguageModel;
import bitnet.model.ActivationScale;
import bitnet.model.LatentWeights;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet logits`: a model's raw numbers, for comparisons with other tools.
@Command(
    name = "logits",
    description = "Print the fp32 logits of a model for given token ids.",
    sortOptions = false)
public final class Logits implements Callable<Integer> {
  private static final int BEST = 5;

  @Spec private CommandSpec spec;

  @Mixin private AdapterOptions modelOptions;

  @Option(
      names = "--ids",
      required = true,
      arity = "1..*",
      paramLabel = "ID",
      description = "Token ids, separated by spaces or commas.")
  private List<String> ids;

  @Option(
      names = "--json",
      description =
          "Print {\"logits\": [[...], ...]}, [position][vocab], instead of the five best "
              + "tokens at each position.")
  private boolean json;

  @Option(
      names = "--full_precision",
      description =
          "Compute a checkpoint that is not ternary as it is, without quantization. Without it such"
              + " a checkpoint is made ternary.")
  private boolean fullPrecision;

  @Option(
      names = "--activations",
      defaultValue = "auto",
      paramLabel = "A",
      description =
          "Quantization of the inputs of ternary layers: int8 (one scale per token), int8-group"
              + " (one per group of inputs that shares a weight scale), float (none) or auto, what"
              + " the model's configuration says (default: ${DEFAULT-VALUE}).")
  private String activations;

  @Mixin private DeviceOptions device;

  private Logits() {}

  @Override
  public Integer call() throws IOException {
    int[] tokens = tokens();
    float[][] logits;
    try (ModelSource source = ModelSource.open(modelOptions.location());
        GraphLanguageModel model = load(source)) {
      logits = model.logits(tokens);
    }
    requireFinite(logits);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      printJson(out, logits);
    } else {
      printBest(out, tokens, logits);
    }
    return ExitCode.OK;
  }

  private GraphLanguageModel load(ModelSource source) throws IOException {
    if (fullPrecision && !activations.equals("auto")) {
      throw new IllegalArgumentException(
          "--activations has no effect with --full_precision; leave one of them out");
    }
    if (source.adapter().isPresent()) {
      return adapted(source);
    }
    if (fullPrecision) {
      source.inference(true); // says where a model has no full precision
      return GraphLanguageModel.loadFullPrecision(source.weights(), device.settings());
    }
    source
        .madeTernary(false)
        .ifPresent(line -> spec.commandLine().getErr().println("bitnet: " + line));
    LatentWeights weights = source.weights();
    return GraphLanguageModel.load(
        activations.equals("auto")
            ? weights
            : weights.withActivations(ActivationScale.of(activations)),
        device.settings());
  }

  private GraphLanguageModel adapted(ModelSource source) throws IOException {
    if (fullPrecision || !activations.equals("auto")) {
      throw new IllegalArgumentException(
          "--%s has no effect with --adapter, which is computed on the packed weights; leave one of them out"
              .formatted(fullPrecision ? "full_precision" : "activations"));
    }
    return GraphLanguageModel.load(
        source.ternary(), source.adapter().orElseThrow(), device.settings());
  }

  private int[] tokens() {
    return Arrays.stream(String.join(" ", ids).split("[\\s,]+", -1))
        .filter(id -> !id.isEmpty())
        .mapToInt(Logits::token)
        .toArray();
  }

  private static int token(String id) {
    try {
      return Integer.parseInt(id);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "--ids: \"%s\" is not a token id; use whole numbers, for example --ids \"1 2 3\""
              .formatted(id),
          e);
    }
  }

  private void requireFinite(float[][] logits) throws IOException {
    for (int position = 0; position < logits.length; position++) {
      for (int token = 0; token < logits[position].length; token++) {
        if (!Float.isFinite(logits[position][token])) {
          throw new IOException(
              "%s: the logit of token %d at position %d is %s; the weights are damaged, or training"
                      .formatted(modelOptions.path(), token, position, logits[position][token])
                  + " diverged");
        }
      }
    }
  }

  private static void printJson(PrintWriter out, float[][] logits) throws IOException {
    try (JsonGenerator generator = new ObjectMapper().createGenerator(out)) {
      generator.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      generator.writeStartObject();
      generator.writeArrayFieldStart("logits");
      for (float[] position : logits) {
        generator.writeStartArray();
        for (float logit : position) {
          generator.writeNumber(logit);
        }
        generator.writeEndArray();
      }
      generator.writeEndArray();
      generator.writeEndObject();
    }
    out.println();
  }

  private static void printBest(PrintWriter out, int[] tokens, float[][] logits) {
    out.println("position   token  most probable next tokens: logit");
    for (int position = 0; position < tokens.length; position++) {
      float[] row = logits[position];
      String best =
          IntStream.range(0, row.length)
              .boxed()
              .sorted(Comparator.comparingDouble(token -> -row[token]))
              .limit(BEST)
              .map(token -> String.format(Locale.ROOT, "%6d: %-9.4f", token, row[token]))
              .collect(Collectors.joining(" "));
      out.printf("%8d %7d  %s%n", position, tokens[position], best.stripTrailing());
    }
  }
}
