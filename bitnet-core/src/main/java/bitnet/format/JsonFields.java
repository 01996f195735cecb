package bitnet.format;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The fields of one JSON object with their types checked. `null` counts as absent, as it does for
/// Hugging Face.
///
/// @param file named in errors
/// @param prefix the path of the object in the file, empty or ending in a dot
/// @param object the fields
public record JsonFields(Path file, String prefix, ObjectNode object) {

  private @Nullable JsonNode value(String key) {
    JsonNode node = object.get(key);
    return node == null || node.isNull() ? null : node;
  }

  public boolean has(String key) {
    return value(key) != null;
  }

  /// An error about this field, its value included.
  public CheckpointException fault(String key, String rule) {
    JsonNode node = value(key);
    return new CheckpointException(
        file,
        node == null
            ? "%s%s is missing; %s".formatted(prefix, key, rule)
            : "%s%s is %s; %s"
                .formatted(prefix, key, CheckpointException.quote(node.toString()), rule));
  }

  /// A whole number that must be there.
  public int integer(String key, int least, int most) throws CheckpointException {
    JsonNode node = value(key);
    if (node == null
        || !node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.intValue() < least
        || node.intValue() > most) {
      throw fault(key, "it must be a whole number from %d to %d".formatted(least, most));
    }
    return node.intValue();
  }

  public int integer(String key, int least, int most, int fallback) throws CheckpointException {
    return has(key) ? integer(key, least, most) : fallback;
  }

  public double number(String key, double fallback) throws CheckpointException {
    JsonNode node = value(key);
    if (node == null) {
      return fallback;
    }
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw fault(key, "it must be a finite number, for example " + fallback);
    }
    return node.doubleValue();
  }

  public boolean flag(String key, boolean fallback) throws CheckpointException {
    JsonNode node = value(key);
    if (node == null) {
      return fallback;
    }
    if (!node.isBoolean()) {
      throw fault(key, "it must be true or false");
    }
    return node.booleanValue();
  }

  public String text(String key, String fallback) throws CheckpointException {
    JsonNode node = value(key);
    if (node == null) {
      return fallback;
    }
    if (!node.isTextual()) {
      throw fault(key, "it must be a string, for example \"%s\"".formatted(fallback));
    }
    return node.textValue();
  }

  public Optional<JsonFields> fields(String key) throws CheckpointException {
    JsonNode node = value(key);
    if (node == null) {
      return Optional.empty();
    }
    if (!(node instanceof ObjectNode fields)) {
      throw fault(key, "it must be an object");
    }
    return Optional.of(new JsonFields(file, prefix + key + ".", fields));
  }

  /// A list of strings, empty where the field is absent.
  public List<String> texts(String key) throws CheckpointException {
    List<String> texts = new ArrayList<>();
    for (JsonNode item : items(key, "it must be a list of strings")) {
      if (!item.isTextual()) {
        throw fault(key, "it must be a list of strings");
      }
      texts.add(item.textValue());
    }
    return texts;
  }

  /// One whole number or a list of them, empty where the field is absent.
  public List<Integer> integers(String key) throws CheckpointException {
    String rule = "it must be a whole number or a list of whole numbers";
    JsonNode node = value(key);
    List<Integer> integers = new ArrayList<>();
    for (JsonNode item :
        node != null && node.isNumber() ? List.<JsonNode>of(node) : items(key, rule)) {
      if (!item.isIntegralNumber() || !item.canConvertToInt()) {
        throw fault(key, rule);
      }
      integers.add(item.intValue());
    }
    return integers;
  }

  private Iterable<JsonNode> items(String key, String rule) throws CheckpointException {
    JsonNode node = value(key);
    if (node == null) {
      return List.of();
    }
    if (!node.isArray()) {
      throw fault(key, rule);
    }
    return node;
  }
}
