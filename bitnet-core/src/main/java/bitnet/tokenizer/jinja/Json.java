package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.Tuple;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The filter `tojson` as transformers defines it: Python's `json.dumps` with
/// `ensure_ascii=False`, without the escapes for HTML that Jinja's own has.
final class Json {
  private final StringBuilder json = new StringBuilder();
  private final String indent; // empty: all on one line
  private final boolean indented;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sorted;
  private final boolean ascii;

  private Json(Arguments arguments) {
    Object indentation = arguments.get(2, "indent", None.NONE);
    indented = !(indentation instanceof None);
    indent =
        !indented
            ? ""
            : indentation instanceof String text
                ? text
                : " ".repeat(Math.clamp(Python.index(indentation, "indent"), 0, 64));
    Object separators = arguments.get(3, "separators", None.NONE);
    if (separators instanceof None) {
      itemSeparator = indented ? "," : ", ";
      keySeparator = ": ";
    } else {
      List<Object> both = Python.items(separators);
      if (both.size() != 2) {
        throw new JinjaException("separators must be two texts, not " + both.size());
      }
      itemSeparator = PythonText.str(both.getFirst());
      keySeparator = PythonText.str(both.getLast());
    }
    sorted = Python.truth(arguments.get(4, "sort_keys", false));
    ascii = Python.truth(arguments.get(1, "ensure_ascii", false));
  }

  /// @param arguments of the filter, the value before them
  static String dump(Arguments arguments) {
    arguments.require("tojson", 1, "value", "ensure_ascii", "indent", "separators", "sort_keys");
    Json json = new Json(arguments);
    json.write(arguments.positional().getFirst(), 0);
    return json.json.toString();
  }

  private void write(Object value, int depth) {
    switch (value) {
      case String text -> writeText(text);
      case Value.Markup(var text) -> writeText(text);
      case Boolean flag -> json.append(flag);
      case None _ -> json.append("null");
      case Long number -> json.append(number);
      case Double number -> json.append(number(number));
      case List<?> list -> writeItems(list, depth);
      case Tuple(var items) -> writeItems(items, depth);
      case Map<?, ?> map -> writeMap(map, depth);
      default ->
          throw new JinjaException(
              "an object of type %s is not JSON serializable".formatted(Python.type(value)));
    }
  }

  private static String number(double value) {
    return switch (PythonText.number(value)) {
      case "nan" -> "NaN";
      case "inf" -> "Infinity";
      case "-inf" -> "-Infinity";
      case String plain -> plain;
    };
  }

  private void newLine(int depth) {
    if (indented) {
      json.append('\n').append(indent.repeat(depth));
    }
  }

  private void writeItems(List<?> items, int depth) {
    json.append('[');
    for (int i = 0; i < items.size(); i++) {
      json.append(i == 0 ? "" : itemSeparator);
      newLine(depth + 1);
      write(items.get(i), depth + 1);
    }
    if (!items.isEmpty()) {
      newLine(depth);
    }
    json.append(']');
  }

  private void writeMap(Map<?, ?> map, int depth) {
    List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
    if (sorted) {
      entries.sort(Comparator.comparing(Map.Entry::getKey, Python::compare));
    }
    json.append('{');
    for (int i = 0; i < entries.size(); i++) {
      json.append(i == 0 ? "" : itemSeparator);
      newLine(depth + 1);
      Object key = entries.get(i).getKey();
      writeText(key instanceof None ? "null" : PythonText.str(key));
      json.append(keySeparator);
      write(entries.get(i).getValue(), depth + 1);
    }
    if (!entries.isEmpty()) {
      newLine(depth);
    }
    json.append('}');
  }

  private void writeText(String text) {
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> json.append("\\\"");
        case '\\' -> json.append("\\\\");
        case '\n' -> json.append("\\n");
        case '\r' -> json.append("\\r");
        case '\t' -> json.append("\\t");
        case '\b' -> json.append("\\b");
        case '\f' -> json.append("\\f");
        default -> {
          if (c < ' ' || (ascii && c > '~')) {
            json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            json.append(c);
          }
        }
      }
    }
    json.append('"');
    PythonText.requireLength(json.length());
  }
}
