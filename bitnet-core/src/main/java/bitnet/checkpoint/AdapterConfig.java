package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.JsonFile;
import bitnet.model.LoraSettings;
import bitnet.model.LoraTarget;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// The `adapter_config.json` of a LoRA adapter, as PEFT writes and reads it.
///
/// @param settings rank, scaling and targets
/// @param base where the base model is, or its name
record AdapterConfig(LoraSettings settings, String base) {
  static final String NAME = "adapter_config.json";

  private static final long LARGEST = 1 << 20;
  private static final String NORM = "norm"; // every module whose name ends in it

  /// Reads a file.
  ///
  /// @throws CheckpointException if it is not the configuration of a LoRA adapter, or of one that
  ///     is not supported, naming what is not
  static AdapterConfig read(Path file) throws IOException {
    ObjectNode json = JsonFile.read(file, LARGEST);
    requirePlain(file, json);
    try {
      int rank = number(file, json, "r").intValue();
      return new AdapterConfig(
          new LoraSettings(
              rank,
              number(file, json, "lora_alpha").doubleValue(),
              targets(file, json.path("target_modules")),
              json.path("lora_dropout").asDouble(0),
              json.path("use_rslora").asBoolean(false),
              norms(file, json.path("modules_to_save"))),
          json.path("base_model_name_or_path").asText("unknown"));
    } catch (IllegalArgumentException invalid) {
      throw new CheckpointException(file, String.valueOf(invalid.getMessage()), invalid);
    }
  }

  private static JsonNode number(Path file, ObjectNode json, String key)
      throws CheckpointException {
    JsonNode value = json.path(key);
    if (!value.isNumber()) {
      throw new CheckpointException(
          file, "\"%s\" is %s, not a number".formatted(key, shown(value)));
    }
    return value;
  }

  /// Refuses what would make other numbers than `W x + scaling * B A x`.
  private static void requirePlain(Path file, ObjectNode json) throws CheckpointException {
    String kind = json.path("peft_type").asText();
    if (!kind.equals("LORA")) {
      throw new CheckpointException(
          file,
          "\"peft_type\" is %s; only LORA is supported".formatted(shown(json.path("peft_type"))));
    }
    for (String key :
        List.of("use_dora", "fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora")) {
      if (json.path(key).asBoolean(false)) {
        throw unsupported(file, json, key);
      }
    }
    for (String key :
        List.of(
            "rank_pattern",
            "alpha_pattern",
            "layers_to_transform",
            "exclude_modules",
            "layer_replication",
            "trainable_token_indices",
            "target_parameters",
            "alora_invocation_tokens")) {
      JsonNode value = json.path(key);
      if (!value.isMissingNode()
          && !value.isNull()
          && !(value.isContainerNode() && value.isEmpty())) {
        throw unsupported(file, json, key);
      }
    }
    if (!json.path("bias").asText("none").equals("none")) {
      throw unsupported(file, json, "bias");
    }
  }

  private static CheckpointException unsupported(Path file, ObjectNode json, String key) {
    return new CheckpointException(
        file,
        "\"%s\" is %s, which is not supported; train the adapter without it"
            .formatted(key, shown(json.path(key))));
  }

  private static String shown(JsonNode value) {
    return value.isMissingNode() ? "missing" : CheckpointException.quote(value.toString());
  }

  private static Set<LoraTarget> targets(Path file, JsonNode modules) throws CheckpointException {
    if (modules.isTextual() && modules.asText().equals("all-linear")) {
      return EnumSet.allOf(LoraTarget.class);
    }
    Set<LoraTarget> targets = EnumSet.noneOf(LoraTarget.class);
    for (String name : names(file, "target_modules", modules)) {
      targets.add(target(file, name));
    }
    return targets;
  }

  /// PEFT takes a module whose path is the name or ends in a dot and the name.
  private static LoraTarget target(Path file, String name) throws CheckpointException {
    String module = name.substring(name.lastIndexOf('.') + 1);
    for (LoraTarget target : LoraTarget.values()) {
      if (target.module().equals(module)) {
        return target;
      }
    }
    throw new CheckpointException(
        file,
        "\"target_modules\" names %s, which is not a linear layer of a decoder layer; supported are %s"
            .formatted(CheckpointException.quote(name), modules(EnumSet.allOf(LoraTarget.class))));
  }

  private static boolean norms(Path file, JsonNode modules) throws CheckpointException {
    if (modules.isMissingNode() || modules.isNull()) {
      return false;
    }
    List<String> names = names(file, "modules_to_save", modules);
    if (names.isEmpty() || names.equals(List.of(NORM))) {
      return !names.isEmpty();
    }
    throw new CheckpointException(
        file,
        "\"modules_to_save\" is %s; supported is [\"norm\"], the gains of all norms"
            .formatted(shown(modules)));
  }

  private static List<String> names(Path file, String key, JsonNode value)
      throws CheckpointException {
    if (!value.isArray()) {
      throw new CheckpointException(
          file, "\"%s\" is %s; supported is a list of names".formatted(key, shown(value)));
    }
    List<String> names = new ArrayList<>();
    value.forEach(name -> names.add(name.asText()));
    return names;
  }

  private static String modules(Set<LoraTarget> targets) {
    return String.join(", ", targets.stream().map(LoraTarget::module).toList());
  }

  /// Writes the file.
  void write(Path file) throws IOException {
    ObjectNode json = JsonFile.MAPPER.createObjectNode();
    json.put("peft_type", "LORA");
    json.put("task_type", "CAUSAL_LM");
    json.put("base_model_name_or_path", base);
    json.put("inference_mode", true);
    json.put("r", settings.rank());
    double alpha = settings.alpha();
    if (alpha == Math.rint(alpha) && alpha < Integer.MAX_VALUE) {
      json.put("lora_alpha", (int) alpha);
    } else {
      json.put("lora_alpha", alpha);
    }
    json.put("lora_dropout", settings.dropout());
    json.put("use_rslora", settings.rankStabilized());
    json.put("bias", "none");
    json.put("fan_in_fan_out", false);
    ArrayNode targets = json.putArray("target_modules");
    settings.targets().forEach(target -> targets.add(target.module()));
    if (settings.norms()) {
      json.putArray("modules_to_save").add(NORM);
    } else {
      json.putNull("modules_to_save");
    }
    JsonFile.write(file, json);
  }
}
