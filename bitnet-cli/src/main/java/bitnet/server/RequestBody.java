package bitnet.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/// The JSON object of a request, read field by field. A field that is null counts as absent;
/// unknown fields are ignored; a wrong type or value is refused naming the field.
final class RequestBody {
  static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private final JsonNode root;

  private RequestBody(JsonNode root) {
    this.root = root;
  }

  static RequestBody parse(byte[] bytes) {
    JsonNode root;
    try {
      root = JSON.readTree(bytes);
    } catch (JsonProcessingException damage) {
      throw new ApiException(
          400, "the body is not JSON: " + damage.getOriginalMessage(), null, "invalid_json");
    } catch (IOException damage) {
      throw new ApiException(400, "the body is not JSON in UTF-8", null, "invalid_json");
    }
    if (!(root instanceof ObjectNode)) {
      throw new ApiException(400, "the body is not a JSON object", null, "invalid_json");
    }
    return new RequestBody(root);
  }

  boolean has(String name) {
    return root.hasNonNull(name);
  }

  JsonNode node(String name) {
    return root.path(name);
  }

  int integer(String name, int fallback, int least, int most) {
    if (!has(name)) {
      return fallback;
    }
    JsonNode node = root.get(name);
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.intValue() < least
        || node.intValue() > most) {
      throw ApiException.ofField(
          name, "%s is not an integer from %d to %d".formatted(name, least, most));
    }
    return node.intValue();
  }

  long whole(String name, long fallback) {
    if (!has(name)) {
      return fallback;
    }
    JsonNode node = root.get(name);
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw ApiException.ofField(name, name + " is not a 64-bit integer");
    }
    return node.longValue();
  }

  double number(String name, double fallback, double least, double most) {
    if (!has(name)) {
      return fallback;
    }
    JsonNode node = root.get(name);
    if (!node.isNumber() || !(node.doubleValue() >= least && node.doubleValue() <= most)) {
      throw ApiException.ofField(
          name, "%s is not a number from %s to %s".formatted(name, least, most));
    }
    return node.doubleValue();
  }

  boolean flag(String name) {
    if (!has(name)) {
      return false;
    }
    if (!root.get(name).isBoolean()) {
      throw ApiException.ofField(name, name + " is neither true nor false");
    }
    return root.get(name).booleanValue();
  }

  String text(String name) {
    if (!has(name) || !root.get(name).isTextual()) {
      throw ApiException.ofField(name, name + " is missing or not a string");
    }
    return root.get(name).textValue();
  }

  /// A string or a list of strings, none of them empty.
  List<String> texts(String name) {
    List<String> texts = new ArrayList<>();
    if (has(name)) {
      JsonNode node = root.get(name);
      for (JsonNode each : node.isArray() ? node : List.of(node)) {
        if (!each.isTextual() || each.textValue().isEmpty()) {
          throw ApiException.ofField(
              name, name + " is neither a string nor a list of strings, none of them empty");
        }
        texts.add(each.textValue());
      }
    }
    return texts;
  }

  /// Refuses a field whose value would change the answer and is not supported.
  void refuseUnless(String name, Predicate<JsonNode> changesNothing) {
    if (has(name) && !changesNothing.test(root.get(name))) {
      throw new ApiException(
          400, name + " with this value is not supported", name, "unsupported_parameter");
    }
  }
}
