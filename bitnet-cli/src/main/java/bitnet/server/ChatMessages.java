package bitnet.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;

/// The messages of a chat, as a chat template takes them.
final class ChatMessages {
  private static final String FIELD = "messages";
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  private ChatMessages() {}

  /// Reads them: contents become strings, arguments of tool calls objects, and a developer's
  /// message is the system's.
  static ArrayNode of(RequestBody body) {
    JsonNode list = body.node(FIELD);
    if (!list.isArray() || list.isEmpty()) {
      throw ApiException.ofField(FIELD, "messages is not a list of at least one message");
    }
    ArrayNode messages = RequestBody.JSON.createArrayNode();
    for (JsonNode each : list) {
      messages.add(message(each));
    }
    return messages;
  }

  private static ObjectNode message(JsonNode given) {
    String role = given.path("role").asText();
    if (!ROLES.contains(role)) {
      throw ApiException.ofField(
          FIELD, "a message's role is not system, developer, user, assistant or tool");
    }
    ObjectNode message = RequestBody.JSON.createObjectNode();
    message.put("role", role.equals("developer") ? "system" : role);
    boolean isCall = role.equals("assistant") && given.path("tool_calls").size() > 0;
    boolean isEmpty = !given.hasNonNull("content") && isCall;
    message.put("content", isEmpty ? "" : content(given.path("content")));
    if (given.hasNonNull("tool_calls") && !isCall) {
      throw ApiException.ofField(FIELD, "a message has tool_calls that are not an assistant's");
    }
    if (isCall) {
      ArrayNode calls = message.putArray("tool_calls");
      given.path("tool_calls").forEach(call -> calls.add(call(call)));
    }
    if (role.equals("tool")) {
      if (!given.path("tool_call_id").isTextual()) {
        throw ApiException.ofField(FIELD, "a message of a tool has no tool_call_id");
      }
      message.set("tool_call_id", given.get("tool_call_id"));
    }
    if (given.path("name").isTextual()) {
      message.set("name", given.get("name"));
    }
    return message;
  }

  private static ObjectNode call(JsonNode given) {
    JsonNode function = given.path("function");
    if (!function.path("name").isTextual()) {
      throw ApiException.ofField(FIELD, "a tool call has no function name");
    }
    ObjectNode call = RequestBody.JSON.createObjectNode();
    call.put("id", given.path("id").asText()).put("type", "function");
    ObjectNode copy = call.putObject("function");
    copy.set("name", function.get("name"));
    try {
      copy.set("arguments", RequestBody.JSON.readTree(function.path("arguments").asText("{}")));
    } catch (JsonProcessingException damage) {
      throw ApiException.ofField(FIELD, "a tool call has arguments that are not JSON");
    }
    return call;
  }

  /// A string, or a list of parts of text.
  private static String content(JsonNode content) {
    if (content.isTextual()) {
      return content.textValue();
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      if (!part.path("type").asText().equals("text") || !part.path("text").isTextual()) {
        throw ApiException.ofField(FIELD, "a message has a part that is not of type text");
      }
      text.append(part.path("text").textValue());
    }
    if (!content.isArray() || content.isEmpty()) {
      throw ApiException.ofField(FIELD, "a message has no content");
    }
    return text.toString();
  }
}
