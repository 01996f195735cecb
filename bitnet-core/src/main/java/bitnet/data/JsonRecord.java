package bitnet.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/// One JSON object of a data file, asked for its fields one by one.
final class JsonRecord {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Map<String, JsonNode> fields;
  private final Set<String> repeated;

  private JsonRecord(Map<String, JsonNode> fields, Set<String> repeated) {
    this.fields = fields;
    this.repeated = repeated;
  }

  /// Reads the value at which the parser stands, to its end.
  ///
  /// @param shape what a record looks like
  /// @throws RecordFault if it is not an object
  static JsonRecord read(JsonParser parser, String shape) throws IOException, RecordFault {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      String kind = kind(parser.currentToken());
      parser.skipChildren();
      throw new RecordFault("the record is " + kind + ", not an object", "write " + shape);
    }
    Map<String, JsonNode> fields = new LinkedHashMap<>();
    Set<String> repeated = new HashSet<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      JsonNode value = MAPPER.readTree(parser);
      if (fields.put(name, value) != null) {
        repeated.add(name);
      }
    }
    return new JsonRecord(fields, repeated);
  }

  /// All fields, in their order.
  ObjectNode object() {
    ObjectNode object = MAPPER.createObjectNode();
    fields.forEach(object::set);
    return object;
  }

  boolean has(String name) {
    return fields.containsKey(name);
  }

  /// A text field, which must exist and not be blank.
  String text(String name) throws RecordFault {
    return text(name, "add or rename the field");
  }

  /// A text field, which must exist and not be blank.
  ///
  /// @param remedy if it is missing
  String text(String name, String remedy) throws RecordFault {
    String text = string(name, value(name, remedy));
    if (text.isBlank()) {
      throw new RecordFault("the field \"%s\" is empty".formatted(name), "delete the record");
    }
    return text;
  }

  /// A field that may be missing, null or empty.
  Optional<String> optionalText(String name) throws RecordFault {
    if (!has(name) || value(name, "").isNull()) {
      return Optional.empty();
    }
    return Optional.of(string(name, value(name, ""))).filter(text -> !text.isBlank());
  }

  /// A field that is a string or a list of strings, then joined.
  String joinedText(String name, String separator) throws RecordFault {
    JsonNode value = value(name, "add or rename the field");
    if (!value.isArray()) {
      return text(name);
    }
    for (JsonNode element : value) {
      string(name, element);
    }
    String joined =
        StreamSupport.stream(value.spliterator(), false)
            .map(JsonNode::textValue)
            .collect(Collectors.joining(separator));
    if (joined.isBlank()) {
      throw new RecordFault("the field \"%s\" is empty".formatted(name), "delete the record");
    }
    return joined;
  }

  /// A field that is a list of strings.
  List<String> texts(String name) throws RecordFault {
    return texts(name, value(name, "add or rename the field"));
  }

  /// A value that is a list of strings.
  ///
  /// @param name what to call it
  static List<String> texts(String name, JsonNode value) throws RecordFault {
    if (!value.isArray() || value.isEmpty()) {
      throw new RecordFault(
          "the field \"%s\" is not a list of strings".formatted(name), "write [\"...\", ...]");
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : value) {
      texts.add(string(name, element));
    }
    return texts;
  }

  /// A field of any kind.
  JsonNode any(String name) throws RecordFault {
    return value(name, "add or rename the field");
  }

  /// A field that is true or false.
  boolean truth(String name) throws RecordFault {
    JsonNode value = value(name, "add or rename the field");
    if (!value.isBoolean()) {
      throw new RecordFault(
          "the field \"%s\" is %s, not true or false".formatted(name, kind(value.asToken())),
          "write it without quotes");
    }
    return value.booleanValue();
  }

  /// A field that is a number.
  double number(String name) throws RecordFault {
    JsonNode value = value(name, "add or rename the field");
    if (!value.isNumber()) {
      throw new RecordFault(
          "the field \"%s\" is %s, not a number".formatted(name, kind(value.asToken())),
          "write it without quotes");
    }
    return value.doubleValue();
  }

  private JsonNode value(String name, String remedy) throws RecordFault {
    JsonNode value = fields.get(name);
    if (value == null) {
      throw new RecordFault("the record has no field \"%s\"".formatted(name), remedy);
    }
    if (repeated.contains(name)) {
      throw new RecordFault("the field \"%s\" occurs twice".formatted(name), "keep one of them");
    }
    return value;
  }

  private static String string(String name, JsonNode value) throws RecordFault {
    if (!value.isTextual()) {
      throw new RecordFault(
          "the field \"%s\" is %s, not a string".formatted(name, kind(value.asToken())),
          "put it in quotes");
    }
    if (hasLoneSurrogate(value.textValue())) {
      throw new RecordFault(
          "the field \"%s\" has half a surrogate pair".formatted(name), "write both halves");
    }
    return value.textValue();
  }

  private static boolean hasLoneSurrogate(String text) {
    // String.codePoints() gives a surrogate as it is only where its other half is missing
    return text.codePoints()
        .anyMatch(point -> point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE);
  }

  private static String kind(@Nullable JsonToken token) {
    return token == null
        ? "nothing"
        : switch (token) {
          case START_ARRAY -> "an array";
          case START_OBJECT -> "an object";
          case VALUE_STRING -> "a string";
          case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
          case VALUE_NULL -> "null";
          default -> token.name().toLowerCase(Locale.ROOT).replace("value_", "");
        };
  }
}
