package bitnet.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// What an answer says, and the tools that it calls.
///
/// @param content the text without the calls
record ToolCalls(String content, List<Call> calls) {
  private static final int ID_LENGTH = 24;

  /// A call.
  ///
  /// @param arguments as JSON
  record Call(String name, String arguments) {}

  /// Reads an answer. What looks like a call but is none, or of a tool that was not offered, is
  /// text.
  static ToolCalls parse(Tools tools, String text) {
    return switch (tools.style()) {
      case HERMES -> parseHermes(tools, text);
      case LLAMA ->
          call(tools, text)
              .map(call -> new ToolCalls("", List.of(call)))
              .orElseGet(() -> new ToolCalls(text, List.of()));
    };
  }

  private static ToolCalls parseHermes(Tools tools, String text) {
    StringBuilder content = new StringBuilder();
    List<Call> calls = new ArrayList<>();
    int at = 0;
    for (int open = text.indexOf(ToolStyle.OPEN);
        open >= 0;
        open = text.indexOf(ToolStyle.OPEN, at)) {
      content.append(text, at, open);
      int start = open + ToolStyle.OPEN.length();
      int close = text.indexOf(ToolStyle.CLOSE, start);
      int end = close < 0 ? text.length() : close;
      Optional<Call> call = call(tools, text.substring(start, end));
      at = close < 0 ? end : close + ToolStyle.CLOSE.length();
      if (call.isPresent()) {
        calls.add(call.get());
      } else {
        content.append(text, open, at);
      }
    }
    content.append(text.substring(at));
    String rest = content.toString();
    return new ToolCalls(calls.isEmpty() ? rest : rest.strip(), calls);
  }

  private static Optional<Call> call(Tools tools, String json) {
    try {
      JsonNode node = RequestBody.JSON.readTree(json);
      JsonNode arguments = node.path(tools.style().arguments());
      if (tools.names().contains(node.path("name").asText()) && arguments.isObject()) {
        return Optional.of(new Call(node.path("name").asText(), arguments.toString()));
      }
    } catch (JsonProcessingException text) {
      return Optional.empty();
    }
    return Optional.empty();
  }

  /// The calls as an answer has them.
  ///
  /// @param indexed whether each has its index, as in chunks
  ArrayNode json(boolean indexed) {
    ArrayNode list = RequestBody.JSON.createArrayNode();
    for (Call call : calls) {
      ObjectNode node = list.addObject();
      if (indexed) {
        node.put("index", list.size() - 1);
      }
      String random = UUID.randomUUID().toString().replace("-", "");
      node.put("id", "call_" + random.substring(0, ID_LENGTH)).put("type", "function");
      node.putObject("function").put("name", call.name).put("arguments", call.arguments);
    }
    return list;
  }
}
