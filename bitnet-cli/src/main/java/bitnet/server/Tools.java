package bitnet.server;

import bitnet.generation.BatchedModel;
import bitnet.generation.GenerationSettings;
import bitnet.grammar.TokenGrammar;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/// The tools that a request offers to the model.
///
/// @param style how the model calls them
/// @param offered as the request has them, for the chat template
/// @param names that a call may have
/// @param grammar of the answer
/// @param isSingle whether at most one call is wanted
record Tools(
    ToolStyle style, JsonNode offered, List<String> names, TokenGrammar grammar, boolean isSingle) {
  private static final String FIELD = "tools";
  private static final String CHOICE = "tool_choice";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,128}");

  /// Reads them; nothing if there are none or the request wants none to be called.
  static Optional<Tools> of(RequestBody body, BatchedModel model, ResponseFormats formats) {
    JsonNode offered = body.node(FIELD);
    JsonNode choice = body.node(CHOICE);
    boolean isAuto = !body.has(CHOICE) || choice.asText().equals("auto");
    boolean isNone = choice.asText().equals("none");
    if (!body.has(FIELD) || (offered.isArray() && offered.isEmpty())) {
      if (!isAuto && !isNone) {
        throw ApiException.ofField(CHOICE, "tool_choice needs tools");
      }
      return Optional.empty();
    }
    Map<String, JsonNode> schemas = schemas(offered);
    if (isNone) {
      return Optional.empty();
    }
    if (body.has("response_format")
        && !body.node("response_format").path("type").asText().equals("text")) {
      throw ApiException.ofField(
          "response_format", "response_format cannot be together with tools; use one of them");
    }
    ToolStyle style =
        model
            .chatTemplate()
            .flatMap(template -> ToolStyle.of(template.source()))
            .orElseThrow(
                () -> ApiException.ofField(FIELD, "the model's chat template does not know tools"));
    List<String> names = names(choice, isAuto, schemas);
    JsonNode schema = callSchema(style, names, schemas);
    String kind = (isAuto ? "maybe " : "call ") + style;
    TokenGrammar grammar =
        formats.compiled(
            FIELD,
            kind + schema,
            () ->
                isAuto
                    ? style.maybeCalls(model.tokenBytes(), schema)
                    : style.call(model.tokenBytes(), schema));
    boolean isSingle = body.has("parallel_tool_calls") && !body.flag("parallel_tool_calls");
    return Optional.of(new Tools(style, offered, names, grammar, isSingle));
  }

  /// The schema of the arguments of each tool.
  private static Map<String, JsonNode> schemas(JsonNode offered) {
    if (!offered.isArray()) {
      throw ApiException.ofField(FIELD, "tools is not a list");
    }
    Map<String, JsonNode> schemas = new LinkedHashMap<>();
    for (JsonNode tool : offered) {
      JsonNode function = tool.path("function");
      String name = function.path("name").asText();
      if (!tool.path("type").asText().equals("function") || !NAME.matcher(name).matches()) {
        throw ApiException.ofField(
            FIELD,
            "a tool is not of type function with a name of letters, digits, dots, underscores and"
                + " hyphens");
      }
      JsonNode parameters = function.path("parameters");
      boolean isAbsent = parameters.isMissingNode() || parameters.isNull();
      JsonNode schema =
          isAbsent ? RequestBody.JSON.createObjectNode().put("type", "object") : parameters;
      if (schemas.put(name, supported(name, schema, function.path("strict").asBoolean())) != null) {
        throw ApiException.ofField(FIELD, "two tools are named " + name);
      }
    }
    return schemas;
  }

  /// The schema; any object for one that cannot be promised, unless that was asked for.
  private static JsonNode supported(String name, JsonNode schema, boolean strict) {
    try {
      TokenGrammar.check(schema);
      return schema;
    } catch (IllegalArgumentException refused) {
      if (strict || !schema.isObject()) {
        throw ApiException.ofField(FIELD, "%s: %s".formatted(name, refused.getMessage()));
      }
      return RequestBody.JSON.createObjectNode().put("type", "object");
    }
  }

  private static List<String> names(
      JsonNode choice, boolean isAuto, Map<String, JsonNode> schemas) {
    if (isAuto || choice.asText().equals("required")) {
      return List.copyOf(schemas.keySet());
    }
    String name = choice.path("function").path("name").asText();
    if (!schemas.containsKey(name)) {
      throw ApiException.ofField(
          CHOICE, "tool_choice is not none, auto, required or a function of tools");
    }
    return List.of(name);
  }

  private static JsonNode callSchema(
      ToolStyle style, List<String> names, Map<String, JsonNode> schemas) {
    ObjectNode schema = RequestBody.JSON.createObjectNode();
    ArrayNode choices = schema.putArray("anyOf");
    for (String name : names) {
      String place = "#/anyOf/%d/properties/%s".formatted(choices.size(), style.arguments());
      ObjectNode call = choices.addObject();
      call.put("type", "object");
      ObjectNode properties = call.putObject("properties");
      properties.putObject("name").put("const", name);
      properties.set(style.arguments(), rebased(Objects.requireNonNull(schemas.get(name)), place));
      call.putArray("required").add("name").add(style.arguments());
    }
    return schema;
  }

  /// A copy whose references are to the place where it stands.
  private static JsonNode rebased(JsonNode schema, String place) {
    JsonNode copy = schema.deepCopy();
    for (JsonNode parent : copy.findParents("$ref")) {
      JsonNode reference = parent.get("$ref");
      if (reference.isTextual() && reference.textValue().startsWith("#")) {
        ((ObjectNode) parent)
            .set("$ref", TextNode.valueOf(place + reference.textValue().substring(1)));
      }
    }
    return copy;
  }

  /// The settings for an answer that may call them.
  GenerationSettings apply(GenerationSettings settings) {
    GenerationSettings formed = settings.withGrammar(grammar);
    if (!isSingle || style != ToolStyle.HERMES) {
      return formed;
    }
    List<String> stops = new ArrayList<>(settings.stopStrings());
    stops.add(ToolStyle.CLOSE);
    return formed.withStopStrings(stops);
  }
}
