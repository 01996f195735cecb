package bitnet.grammar;

import bitnet.grammar.Grammar.Node;
import bitnet.grammar.Grammar.Rule;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The grammar of the values of a JSON schema. What it does not know it refuses: every text of the
/// grammar is valid.
final class JsonSchemaGrammar {
  private static final Set<String> ANNOTATIONS =
      Set.of(
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions");
  private static final Set<String> KEYWORDS =
      Set.of(
          "type",
          "properties",
          "required",
          "additionalProperties",
          "items",
          "minItems",
          "maxItems",
          "enum",
          "const",
          "anyOf",
          "$ref");
  private static final Set<String> OF_OBJECTS =
      Set.of("properties", "required", "additionalProperties");
  private static final Set<String> OF_ARRAYS = Set.of("items", "minItems", "maxItems");
  private static final int MOST_ITEMS = 1000; // that are counted

  private final Grammar grammar = new Grammar();
  private final JsonSyntax syntax = new JsonSyntax(grammar);
  private final JsonNode document;
  private final Map<String, Rule> rules = new HashMap<>(); // by the place of their schema
  private final Rule root;

  /// How a value stands in a text.
  sealed interface Place {
    /// Between two texts.
    record Between(String before, String after) implements Place {}

    /// After each of some markers in a text that is free otherwise.
    ///
    /// @param marker not empty
    /// @param after what follows the value
    record AfterMarkers(String marker, String after) implements Place {}

    /// Alone, in place of a text that does not begin with a brace or white space.
    record Instead() implements Place {}
  }

  /// @throws IllegalArgumentException naming the place and the keyword that is not supported
  JsonSchemaGrammar(JsonNode document, Place place) {
    this.document = document;
    this.root = grammar.rule(false);
    Rule value = rule(document, "#");
    switch (place) {
      case Place.Between between -> {
        Node start = grammar.node();
        Node end = grammar.node();
        grammar.text(root.start, between.before, start);
        Grammar.call(start, value, end);
        grammar.text(end, between.after, root.end);
      }
      case Place.AfterMarkers markers -> {
        Node found = grammar.node();
        Node start = grammar.node();
        Node end = grammar.node();
        Node after = grammar.node();
        grammar.freeUntil(root, markers.marker, found);
        Grammar.call(found, syntax.space, start);
        Grammar.call(start, value, end);
        Grammar.call(end, syntax.space, after);
        grammar.text(after, markers.after, root.start);
      }
      case Place.Instead instead -> {
        Grammar.call(root.start, value, root.end);
        Grammar.empty(root.start, root.end);
        Node free = grammar.node();
        for (int each = 0; each < 256; each++) {
          if ("{ \n\t\r".indexOf(each) < 0) {
            Grammar.bytes(root.start, each, each, free);
          }
        }
        Grammar.bytes(free, 0, 255, free);
        Grammar.empty(free, root.end);
      }
    }
    grammar.requireNoLeftRecursion();
  }

  Grammar grammar() {
    return grammar;
  }

  Rule root() {
    return root;
  }

  private static IllegalArgumentException refusal(String path, String reason) {
    return new IllegalArgumentException("the schema at %s %s".formatted(path, reason));
  }

  private Rule rule(JsonNode schema, String path) {
    Rule known = rules.get(path);
    if (known != null) {
      return known;
    }
    Rule rule = grammar.rule(false);
    rules.put(path, rule);
    fill(rule, schema, path);
    return rule;
  }

  private void fill(Rule rule, JsonNode schema, String path) {
    Set<String> keywords = keywords(schema, path);
    if (keywords.isEmpty()) {
      Grammar.call(rule.start, syntax.value, rule.end);
    } else if (keywords.contains("$ref")) {
      requireAlone("$ref", keywords, path);
      Grammar.call(rule.start, referenced(schema.path("$ref"), path), rule.end);
    } else if (keywords.contains("anyOf")) {
      requireAlone("anyOf", keywords, path);
      List<JsonNode> choices = list(schema, "anyOf", path);
      for (int i = 0; i < choices.size(); i++) {
        Rule choice = rule(choices.get(i), "%s/anyOf/%d".formatted(path, i));
        Grammar.call(rule.start, choice, rule.end);
      }
    } else if (keywords.contains("const") || keywords.contains("enum")) {
      fillLiterals(rule, schema, keywords, path);
    } else {
      for (String type : types(schema, keywords, path)) {
        Grammar.call(rule.start, ofType(type, schema, path), rule.end);
      }
    }
  }

  private static Set<String> keywords(JsonNode schema, String path) {
    if (schema.isBoolean() && schema.booleanValue()) {
      return Set.of();
    }
    if (!schema.isObject()) {
      throw refusal(path, "is not an object");
    }
    Set<String> keywords = new HashSet<>();
    for (Map.Entry<String, JsonNode> each : schema.properties()) {
      if (KEYWORDS.contains(each.getKey())) {
        keywords.add(each.getKey());
      } else if (!ANNOTATIONS.contains(each.getKey())) {
        throw refusal(path, "has %s, which is not supported".formatted(each.getKey()));
      }
    }
    return keywords;
  }

  private static void requireAlone(String keyword, Set<String> keywords, String path) {
    if (keywords.size() > 1) {
      throw refusal(path, "has other keywords beside %s".formatted(keyword));
    }
  }

  private static List<JsonNode> list(JsonNode schema, String keyword, String path) {
    List<JsonNode> elements = new ArrayList<>();
    schema.path(keyword).forEach(elements::add);
    if (!schema.path(keyword).isArray() || elements.isEmpty()) {
      throw refusal(path, "has %s that is not a list of at least one".formatted(keyword));
    }
    return elements;
  }

  private Rule referenced(JsonNode reference, String path) {
    String text = reference.asText();
    if (!text.equals("#") && !text.startsWith("#/")) {
      throw refusal(path, "has a $ref that does not begin with #");
    }
    JsonNode target;
    try {
      target = document.at(JsonPointer.compile(text.substring(1)));
    } catch (IllegalArgumentException malformed) {
      throw refusal(path, "has a $ref that is no JSON pointer");
    }
    if (target.isMissingNode()) {
      throw refusal(path, "has a $ref to %s, which is not there".formatted(text));
    }
    return rule(target, text);
  }

  private void fillLiterals(Rule rule, JsonNode schema, Set<String> keywords, String path) {
    List<JsonNode> values =
        keywords.contains("const") ? List.of(schema.get("const")) : list(schema, "enum", path);
    for (String keyword : keywords) {
      if (!Set.of("const", "enum", "type").contains(keyword)
          || (keywords.contains("const") && keywords.contains("enum"))) {
        throw refusal(path, "has other keywords beside const or enum");
      }
    }
    Set<String> types =
        keywords.contains("type") ? new HashSet<>(types(schema, keywords, path)) : Set.of();
    boolean some = false;
    for (JsonNode value : values) {
      if (types.isEmpty() || types.stream().anyMatch(type -> isOfType(value, type))) {
        grammar.text(rule.start, value.toString(), rule.end);
        some = true;
      }
    }
    if (!some) {
      throw refusal(path, "has no value of its type");
    }
  }

  private static boolean isOfType(JsonNode value, String type) {
    return switch (type) {
      case "string" -> value.isTextual();
      case "integer" -> value.isIntegralNumber();
      case "number" -> value.isNumber();
      case "boolean" -> value.isBoolean();
      case "null" -> value.isNull();
      case "object" -> value.isObject();
      default -> value.isArray();
    };
  }

  private static List<String> types(JsonNode schema, Set<String> keywords, String path) {
    JsonNode type = schema.path("type");
    List<String> types = new ArrayList<>();
    if (type.isMissingNode()) { // said by the keywords
      types.add(keywords.stream().allMatch(OF_OBJECTS::contains) ? "object" : "array");
    } else if (type.isTextual()) {
      types.add(type.textValue());
    } else {
      list(schema, "type", path).forEach(each -> types.add(each.asText()));
    }
    requireKeywordsOf("object", OF_OBJECTS, types, keywords, path);
    requireKeywordsOf("array", OF_ARRAYS, types, keywords, path);
    return types;
  }

  private static void requireKeywordsOf(
      String type, Set<String> ofType, List<String> types, Set<String> keywords, String path) {
    for (String keyword : ofType) {
      if (keywords.contains(keyword) && !types.contains(type)) {
        throw refusal(path, "has %s, but no type %s".formatted(keyword, type));
      }
    }
  }

  private Rule ofType(String type, JsonNode schema, String path) {
    return switch (type) {
      case "string" -> syntax.string;
      case "integer" -> syntax.integer;
      case "number" -> syntax.number;
      case "boolean" -> syntax.bool;
      case "null" -> syntax.nothing;
      case "object" -> object(schema, path);
      case "array" -> array(schema, path);
      default -> throw refusal(path, "has the type %s, which JSON does not have".formatted(type));
    };
  }

  private Rule object(JsonNode schema, String path) {
    JsonNode properties = schema.path("properties");
    JsonNode more = schema.path("additionalProperties");
    Set<String> required = new HashSet<>();
    for (JsonNode name : schema.path("required")) {
      required.add(name.asText());
      if (!properties.has(name.asText())) {
        throw refusal(path, "requires %s, which is not in properties".formatted(name));
      }
    }
    if (!properties.isMissingNode() && !properties.isObject()) {
      throw refusal(path, "has properties that are not an object");
    }
    if (properties.isEmpty() && (more.isMissingNode() || more.asBoolean())) {
      return syntax.object;
    }
    if (properties.isEmpty() && !more.isBoolean()) {
      throw refusal(path, "has additionalProperties with a schema, which is not supported");
    }
    return object(properties, required, path);
  }

  /// The properties in their order; those that are not required may be left out.
  private Rule object(JsonNode properties, Set<String> required, String path) {
    Rule rule = grammar.rule(true);
    Node none = grammar.node(); // after the properties so far, none of which was written
    Node some = grammar.node(); // at least one of which was written
    Grammar.bytes(rule.start, '{', '{', none);
    for (Map.Entry<String, JsonNode> each : properties.properties()) {
      String name = each.getKey();
      Node nextNone = grammar.node();
      Node nextSome = grammar.node();
      Node key = grammar.node();
      Node comma = grammar.node();
      Grammar.call(none, syntax.space, key);
      Grammar.bytes(some, ',', ',', comma);
      Grammar.call(comma, syntax.space, key);
      Node colon = grammar.node();
      Node value = grammar.node();
      grammar.text(key, JsonText.quoted(name) + ":", colon);
      Grammar.call(colon, syntax.space, value);
      String place = "%s/properties/%s".formatted(path, JsonText.pointerPart(name));
      Grammar.call(value, rule(each.getValue(), place), nextSome);
      if (!required.contains(name)) {
        Grammar.empty(none, nextNone);
        Grammar.empty(some, nextSome);
      }
      none = nextNone;
      some = nextSome;
    }
    Node last = grammar.node();
    Grammar.call(none, syntax.space, last);
    Grammar.call(some, syntax.space, last);
    Grammar.bytes(last, '}', '}', rule.end);
    return rule;
  }

  private Rule array(JsonNode schema, String path) {
    int least = count(schema, "minItems", 0, path);
    int most = count(schema, "maxItems", Integer.MAX_VALUE, path);
    if (least > most) {
      throw refusal(path, "has more minItems than maxItems");
    }
    JsonNode items = schema.path("items");
    Rule item = items.isMissingNode() ? syntax.value : rule(items, "%s/items".formatted(path));
    Rule rule = grammar.rule(true);
    Node opened = grammar.node();
    Node next = grammar.node(); // where an item may begin
    Node last = grammar.node();
    Grammar.bytes(rule.start, '[', '[', opened);
    Grammar.call(opened, syntax.space, next);
    Grammar.bytes(last, ']', ']', rule.end);
    if (least == 0) {
      Grammar.call(opened, syntax.space, last);
    }
    int counted = most == Integer.MAX_VALUE ? Math.max(1, least) : most;
    for (int i = 1; i <= counted; i++) {
      Node after = grammar.node();
      Grammar.call(next, item, after);
      if (i >= least) {
        Grammar.call(after, syntax.space, last);
      }
      boolean repeats = i == counted && most == Integer.MAX_VALUE;
      if (i < counted || repeats) {
        Node comma = grammar.node();
        Grammar.bytes(after, ',', ',', comma);
        Node following = repeats ? next : grammar.node();
        Grammar.call(comma, syntax.space, following);
        next = following;
      }
    }
    return rule;
  }

  private static int count(JsonNode schema, String keyword, int fallback, String path) {
    JsonNode node = schema.path(keyword);
    if (node.isMissingNode()) {
      return fallback;
    }
    if (!node.canConvertToInt()
        || !node.isIntegralNumber()
        || node.intValue() < 0
        || node.intValue() > MOST_ITEMS) {
      throw refusal(path, "has %s that is not from 0 to %d".formatted(keyword, MOST_ITEMS));
    }
    return node.intValue();
  }
}
