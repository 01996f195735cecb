package bitnet.server;

import bitnet.grammar.TokenBytes;
import bitnet.grammar.TokenGrammar;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/// How a model writes the calls of tools.
enum ToolStyle {
  /// `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, as many as it wants: Hermes, Qwen.
  HERMES("arguments"),
  /// `{"name": ..., "parameters": ...}` and nothing else: Llama 3.
  LLAMA("parameters");

  static final String OPEN = "<tool_call>";
  static final String CLOSE = "</tool_call>";

  private final String arguments;

  ToolStyle(String arguments) {
    this.arguments = arguments;
  }

  /// The style of a chat template, if it takes tools.
  static Optional<ToolStyle> of(String template) {
    if (!template.contains("tools")) {
      return Optional.empty();
    }
    return Optional.of(template.contains(OPEN) ? HERMES : LLAMA);
  }

  /// The field with the arguments.
  String arguments() {
    return arguments;
  }

  /// Texts that are a call, of the schema.
  TokenGrammar call(TokenBytes vocabulary, JsonNode schema) {
    return switch (this) {
      case HERMES -> TokenGrammar.jsonSchema(vocabulary, OPEN + "\n", schema, "\n" + CLOSE);
      case LLAMA -> TokenGrammar.jsonSchema(vocabulary, "", schema, "");
    };
  }

  /// Texts that may have calls, each of the schema.
  TokenGrammar maybeCalls(TokenBytes vocabulary, JsonNode schema) {
    return switch (this) {
      case HERMES -> TokenGrammar.jsonAfterMarkers(vocabulary, OPEN, schema, CLOSE);
      case LLAMA -> TokenGrammar.jsonOrText(vocabulary, schema);
    };
  }
}
