package bitnet.cli.output;

import bitnet.checkpoint.ModelInspection;
import bitnet.checkpoint.TensorInspection;
import bitnet.model.LlamaConfig;
import bitnet.model.ModelFamily;
import bitnet.model.ModelFootprint;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// What `bitnet inspect` prints about a model.
///
/// @param name the path as the user gave it
/// @param inspection what is in it
public record InspectionText(String name, ModelInspection inspection) {

  /// One line per tensor.
  public String table() {
    LlamaConfig config = inspection.config();
    int width =
        inspection.tensors().stream()
            .mapToInt(each -> each.tensor().name().length())
            .max()
            .orElse(0);
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%s%n%,d parameters, %,d ternary; %d layers, hidden size %d, vocabulary %d; %,.1f"
                + " MB%nfamily %s, %s, activations %s%n%n",
            name,
            config.parameterCount(),
            new ModelFootprint(config).ternaryParameters(),
            config.layerCount(),
            config.hiddenSize(),
            config.vocabSize(),
            inspection.bytes() / 1e6,
            ModelFamily.of(config).modelType(),
            config.hasGroupScales()
                ? "a scale for %d inputs of a row".formatted(config.weights().scaleColumns())
                : "a scale for a matrix",
            config.weights().activations().key()));
    String form = "%-" + width + "s  %-6s  %-13s %12s  ";
    text.append(String.format(Locale.ROOT, form, "tensor", "type", "shape", "bytes"));
    text.append("    -1      0     +1  scale%n".formatted());
    for (TensorInspection each : inspection.tensors()) {
      text.append(
          String.format(
              Locale.ROOT,
              form,
              each.tensor().name(),
              each.type(),
              shape(each),
              String.format(Locale.ROOT, "%,d", each.bytes())));
      text.append(content(each)).append(System.lineSeparator());
    }
    return text.toString();
  }

  private static String shape(TensorInspection each) {
    return Arrays.stream(each.tensor().shape())
        .mapToObj(Long::toString)
        .collect(Collectors.joining(" x "));
  }

  /// What a tensor's values are like, in a few words.
  static String content(TensorInspection each) {
    return switch (each.content()) {
      case TensorInspection.Ternary trits ->
          String.format(
              Locale.ROOT,
              "%5.1f%% %5.1f%% %5.1f%%  %.5g",
              100 * trits.negativeShare(),
              100 * trits.zeroShare(),
              100 * trits.positiveShare(),
              trits.scale());
      case TensorInspection.Floats floats ->
          String.format(
              Locale.ROOT,
              "%.4g to %.4g, rms %.4g%s",
              floats.least(),
              floats.greatest(),
              floats.rootMeanSquare(),
              floats.notFinite() == 0 ? "" : ", %d not finite".formatted(floats.notFinite()));
    };
  }

  /// The same as one JSON object on one line.
  public String json() {
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("model_path", name);
    root.put("parameters", inspection.config().parameterCount());
    root.put("ternary_parameters", new ModelFootprint(inspection.config()).ternaryParameters());
    root.put("bytes", inspection.bytes());
    LlamaConfig config = inspection.config();
    root.put("family", ModelFamily.of(config).modelType());
    root.put("scale_columns", config.weights().scaleColumns());
    root.put("activations", config.weights().activations().key());
    for (TensorInspection each : inspection.tensors()) {
      ObjectNode node = root.withArray("tensors").addObject();
      node.put("name", each.tensor().name());
      node.put("type", each.type());
      Arrays.stream(each.tensor().shape()).forEach(node.putArray("shape")::add);
      node.put("bytes", each.bytes());
      switch (each.content()) {
        case TensorInspection.Ternary trits ->
            node.put("negative", trits.negativeShare())
                .put("zero", trits.zeroShare())
                .put("positive", trits.positiveShare())
                .put("scale", trits.scale());
        case TensorInspection.Floats floats ->
            node.put("min", floats.least())
                .put("max", floats.greatest())
                .put("rms", floats.rootMeanSquare())
                .put("not_finite", floats.notFinite());
      }
    }
    return root + System.lineSeparator();
  }
}
