package bitnet.server;

import bitnet.generation.BatchedModel;
import bitnet.generation.GenerationSettings;
import bitnet.grammar.TokenGrammar;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/// The forms that requests want their answers in; those of the last requests are kept, since
/// finding the tokens of a form takes time.
final class ResponseFormats {
  private static final int MOST_KEPT = 32;

  private final BatchedModel model;
  private final Map<String, TokenGrammar> recent =
      new LinkedHashMap<>(MOST_KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, TokenGrammar> eldest) {
          return size() > MOST_KEPT;
        }
      };

  ResponseFormats(BatchedModel model) {
    this.model = model;
  }

  /// The settings with the form of `response_format`.
  GenerationSettings apply(RequestBody body, GenerationSettings settings) {
    if (!body.has("response_format")) {
      return settings;
    }
    JsonNode format = body.node("response_format");
    return switch (format.path("type").asText()) {
      case "text" -> settings;
      case "json_object" ->
          settings.withGrammar(
              compiled(
                  "response_format",
                  "json_object",
                  () -> TokenGrammar.jsonObject(model.tokenBytes())));
      case "json_schema" -> {
        JsonNode schema = format.path("json_schema").path("schema");
        if (!schema.isObject()) {
          throw ApiException.ofField(
              "response_format", "response_format.json_schema has no object schema");
        }
        yield settings.withGrammar(
            compiled(
                "response_format",
                schema.toString(),
                () -> TokenGrammar.jsonSchema(model.tokenBytes(), "", schema, "")));
      }
      default ->
          throw ApiException.ofField(
              "response_format", "response_format.type is not text, json_object or json_schema");
    };
  }

  /// A grammar, made unless it is known.
  ///
  /// @param field that is named where the schema is refused
  /// @param key of equal grammars
  synchronized TokenGrammar compiled(String field, String key, Supplier<TokenGrammar> maker) {
    TokenGrammar known = recent.get(key);
    if (known == null) {
      try {
        known = maker.get();
      } catch (IllegalArgumentException refused) {
        throw ApiException.ofField(field, field + ": " + refused.getMessage());
      }
      recent.put(key, known);
    }
    return known;
  }
}
