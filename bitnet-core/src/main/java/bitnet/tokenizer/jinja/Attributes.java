package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.Function;
import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.Tuple;
import bitnet.tokenizer.jinja.Value.Undefined;
import bitnet.tokenizer.jinja.Value.View;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Attributes and items of values, as jinja2's immutable sandbox gives them.
final class Attributes {
  private static final Set<String> CHANGING =
      Set.of("append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort");

  private static final Set<String> DICTIONARY_METHODS =
      Set.of(
          "get",
          "items",
          "keys",
          "values",
          "copy",
          "fromkeys",
          "pop",
          "popitem",
          "clear",
          "update",
          "setdefault");

  private Attributes() {}

  /// `value.name`: the attribute, else the item of that name, else undefined.
  static Object attribute(Object value, String name) {
    requireDefined(value);
    if (name.startsWith("__")) {
      throw new JinjaException("the attribute %s is not accessible".formatted(name));
    }
    return switch (value) {
      case Map<?, ?> map when isMethod(name) -> method(map, name);
      case Map<?, ?> map -> map.containsKey(name) ? map.get(name) : new Undefined(name);
      case String text -> TextMethods.of(text, name);
      case List<?> list -> method(list, list, name);
      case Tuple(var items) -> method(value, items, name);
      case Value.Namespace(var attributes) -> attributes.getOrDefault(name, new Undefined(name));
      case Value.Attributed attributed -> attributed.attribute(name);
      default -> {
        if (isPlain(value)) {
          yield new Undefined("%s object has no attribute %s".formatted(Python.type(value), name));
        }
        throw JinjaException.unsupported("%s.%s".formatted(Python.type(value), name));
      }
    };
  }

  private static boolean isPlain(Object value) {
    return value instanceof None || Python.number(value).isPresent();
  }

  private static void requireDefined(Object value) {
    if (value instanceof Undefined(var name)) {
      throw new JinjaException("%s is undefined".formatted(name));
    }
  }

  /// `value[key]`: the item, else the attribute of that name, else undefined.
  static Object item(Object value, Object key) {
    requireDefined(value);
    return switch (value) {
      case Map<?, ?> map -> {
        Object known = Python.key(key);
        if (map.containsKey(known)) {
          yield map.get(known);
        }
        yield known instanceof String name ? attribute(value, name) : new Undefined("item");
      }
      case String _, List<?> _, Tuple _ -> indexed(value, Python.items(value), key);
      case View(var kind, var items) when kind.equals("range") -> indexed(value, items, key);
      default -> {
        if (key instanceof String name) {
          yield attribute(value, name);
        }
        yield new Undefined("%s object has no item".formatted(Python.type(value)));
      }
    };
  }

  private static Object indexed(Object value, List<Object> items, Object key) {
    if (key instanceof String name) {
      return attribute(value, name);
    }
    if (!(Python.number(key).orElse(null) instanceof Long index)) {
      return new Undefined("%s object has no item".formatted(Python.type(value)));
    }
    long at = index < 0 ? index + items.size() : index;
    return at >= 0 && at < items.size()
        ? items.get((int) at)
        : new Undefined("%s object has no item %d".formatted(Python.type(value), index));
  }

  private static boolean isMethod(String name) {
    return DICTIONARY_METHODS.contains(name);
  }

  private static Object method(Map<?, ?> map, String name) {
    return switch (name) {
      case "get" ->
          (Function)
              arguments -> {
                arguments.requirePositional("get", 1, 2);
                Object key = Python.key(arguments.positional().getFirst());
                return map.containsKey(key) ? map.get(key) : arguments.get(1, "default", None.NONE);
              };
      case "items" ->
          plain(
              name,
              new View(
                  "dict_items",
                  Value.list(
                      map.entrySet().stream()
                          .map(entry -> new Tuple(List.of(entry.getKey(), entry.getValue())))
                          .toList())));
      case "keys" -> plain(name, new View("dict_keys", Value.list(map.keySet())));
      case "values" -> plain(name, new View("dict_values", Value.list(map.values())));
      case "copy" -> plain(name, new LinkedHashMap<>(map));
      default -> refused("dict", name);
    };
  }

  private static Function plain(String name, Object result) {
    return arguments -> {
      arguments.require(name, 0);
      return result;
    };
  }

  private static Function refused(String type, String name) {
    return arguments -> {
      throw JinjaException.unsupported("%s.%s".formatted(type, name));
    };
  }

  private static Object method(Object value, List<?> items, String name) {
    String type = Python.type(value);
    if (type.equals("list") && (CHANGING.contains(name) || name.equals("copy"))) {
      return name.equals("copy") ? plain(name, new ArrayList<>(items)) : refused(type, name);
    }
    return switch (name) {
      case "count" -> (Function) arguments -> count(items, arguments);
      case "index" -> (Function) arguments -> index(items, arguments);
      default -> new Undefined("%s object has no attribute %s".formatted(type, name));
    };
  }

  private static Object count(List<?> items, Arguments arguments) {
    arguments.requirePositional("count", 1, 1);
    Object value = arguments.positional().getFirst();
    return items.stream().filter(item -> Python.equal(item, value)).count();
  }

  private static Object index(List<?> items, Arguments arguments) {
    arguments.requirePositional("index", 1, 1);
    Object value = arguments.positional().getFirst();
    for (int i = 0; i < items.size(); i++) {
      if (Python.equal(items.get(i), value)) {
        return (long) i;
      }
    }
    throw new JinjaException("index: the value is not in the list");
  }
}
