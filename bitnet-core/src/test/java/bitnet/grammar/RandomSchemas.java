package bitnet.grammar;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Random;

/// Schemas of the supported keywords.
final class RandomSchemas {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final List<String> NAMES =
      List.of("a", "name", "a/b", "q\"uote", "Grüße 🙂", "~", "$ref", "with space", "");

  private final Random random;

  RandomSchemas(long seed) {
    this.random = new Random(seed);
  }

  /// A schema with definitions, of which some refer to each other.
  ObjectNode next() {
    ObjectNode schema = schema(3);
    ObjectNode definitions = schema.putObject("$defs");
    definitions.set("leaf", schema(0));
    ObjectNode tree = definitions.putObject("tree");
    tree.put("type", "object").put("additionalProperties", false);
    tree.putArray("required").add("value");
    ObjectNode properties = tree.putObject("properties");
    properties.putObject("value").put("$ref", "#/$defs/leaf");
    properties
        .putObject("children")
        .put("type", "array")
        .putObject("items")
        .put("$ref", "#/$defs/tree");
    return schema;
  }

  private ObjectNode schema(int depth) {
    ObjectNode schema = JSON.objectNode();
    switch (random.nextInt(depth == 0 ? 5 : 10)) {
      case 0 -> schema.put("type", "string");
      case 1 -> schema.put("type", random.nextBoolean() ? "integer" : "number");
      case 2 -> schema.putArray("type").add("boolean").add("null");
      case 3 -> {
        ArrayNode values = schema.putArray("enum");
        values.add("one").add("ßö\n").add(-2.5).addNull().add(true);
      }
      case 4 -> schema.set("const", JSON.textNode(NAMES.get(random.nextInt(NAMES.size()))));
      case 5, 6 -> object(schema, depth);
      case 7 -> array(schema, depth);
      case 8 -> {
        ArrayNode choices = schema.putArray("anyOf");
        for (int i = 0; i <= random.nextInt(3); i++) {
          choices.add(schema(depth - 1));
        }
      }
      default -> schema.put("$ref", random.nextBoolean() ? "#/$defs/leaf" : "#/$defs/tree");
    }
    if (random.nextInt(4) == 0) {
      schema.put("description", "a description");
    }
    return schema;
  }

  private void object(ObjectNode schema, int depth) {
    schema.put("type", "object");
    if (random.nextInt(6) == 0) {
      return; // any
    }
    schema.put("additionalProperties", random.nextInt(4) == 0);
    ObjectNode properties = schema.putObject("properties");
    ArrayNode required = schema.putArray("required");
    for (String name : NAMES) {
      if (random.nextInt(3) == 0) {
        properties.set(name, schema(depth - 1));
        if (random.nextBoolean()) {
          required.add(name);
        }
      }
    }
  }

  private void array(ObjectNode schema, int depth) {
    schema.put("type", "array");
    if (random.nextInt(5) > 0) {
      schema.set("items", schema(depth - 1));
    }
    int least = random.nextInt(4);
    if (random.nextBoolean()) {
      schema.put("minItems", least);
    }
    if (random.nextBoolean()) {
      schema.put("maxItems", least + random.nextInt(3));
    }
  }
}
