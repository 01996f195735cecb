package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.Markup;
import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Jinja's filters: those of single values here, those of lists in [ListFilters].
final class Filters {
  /// No double has more digits before or after its decimal point.
  private static final int MOST_DIGITS = 1100;

  private Filters() {}

  /// @param arguments the value, then those of the filter
  static Object apply(String name, Arguments arguments) {
    Object value = arguments.positional().getFirst();
    return switch (name) {
      case "default", "d" -> fallback(value, arguments);
      case "tojson" -> Json.dump(arguments);
      case "trim" -> trim(arguments);
      case "upper" -> text(name, arguments).toUpperCase(Locale.ROOT);
      case "lower" -> text(name, arguments).toLowerCase(Locale.ROOT);
      case "capitalize" -> TextMethods.capitalize(text(name, arguments));
      case "title" -> title(text(name, arguments));
      case "string" -> string(value, arguments);
      case "replace" -> replace(arguments);
      case "indent" -> indent(arguments);
      case "center" -> center(arguments);
      case "wordcount" -> (long) words(text(name, arguments));
      case "escape", "e" -> escape(value, arguments);
      case "safe" -> new Markup(text(name, arguments));
      case "length", "count" -> {
        arguments.require(name, 1, "value");
        yield (long) Python.length(value);
      }
      case "int" -> integer(arguments);
      case "float" -> decimal(arguments);
      case "abs" -> absolute(arguments);
      case "round" -> round(arguments);
      default -> ListFilters.apply(name, arguments);
    };
  }

  /// The value as text, of a filter without arguments.
  private static String text(String name, Arguments arguments) {
    arguments.require(name, 1, "value");
    return soft(arguments.positional().getFirst(), name);
  }

  private static String soft(Object value, String name) {
    if (value instanceof Markup) {
      throw JinjaException.unsupported("%s of escaped text".formatted(name));
    }
    return PythonText.str(value);
  }

  private static Object fallback(Object value, Arguments arguments) {
    arguments.require("default", 1, "value", "default_value", "boolean");
    boolean any = Python.truth(arguments.get(2, "boolean", false));
    return value instanceof Undefined || (any && !Python.truth(value))
        ? arguments.get(1, "default_value", "")
        : value;
  }

  private static Object trim(Arguments arguments) {
    arguments.require("trim", 1, "value", "chars");
    String text = soft(arguments.positional().getFirst(), "trim");
    return TextMethods.strip(text, arguments.get(1, "chars", None.NONE), true, true);
  }

  /// Not `str.title`: a word begins behind white space, a dash or an opening bracket.
  private static String title(String text) {
    StringBuilder titled = new StringBuilder();
    boolean starts = true;
    for (int point : text.codePoints().toArray()) {
      String one = Character.toString(point);
      titled.append(starts ? one.toUpperCase(Locale.ROOT) : one.toLowerCase(Locale.ROOT));
      starts = TextMethods.isSpace(point) || "-({[<".indexOf(point) >= 0;
    }
    return titled.toString();
  }

  private static Object string(Object value, Arguments arguments) {
    arguments.require("string", 1, "value");
    return value instanceof Markup ? value : PythonText.str(value);
  }

  private static Object replace(Arguments arguments) {
    arguments.require("replace", 3, "value", "old", "new", "count");
    Object count = arguments.get(3, "count", None.NONE);
    return TextMethods.replace(
        soft(arguments.positional().getFirst(), "replace"),
        soft(arguments.get(1, "old", ""), "replace"),
        soft(arguments.get(2, "new", ""), "replace"),
        count instanceof None ? -1 : Python.index(count, "count"));
  }

  private static Object indent(Arguments arguments) {
    arguments.require("indent", 1, "value", "width", "first", "blank");
    Object width = arguments.get(1, "width", 4L);
    String by =
        width instanceof String text
            ? text
            : " ".repeat(Math.clamp(Python.index(width, "width"), 0, 1000));
    boolean first = Python.truth(arguments.get(2, "first", false));
    boolean blank = Python.truth(arguments.get(3, "blank", false));
    String text = soft(arguments.positional().getFirst(), "indent");
    if (text.codePoints()
        .anyMatch(point -> point != '\n' && TextMethods.LINE_ENDS.indexOf(point) >= 0)) {
      throw JinjaException.unsupported("indent of a text with other line ends than \\n");
    }
    String[] lines = text.split("\n", -1);
    StringBuilder indented = new StringBuilder(first ? by : "").append(lines[0]);
    for (int i = 1; i < lines.length; i++) {
      indented.append('\n').append(blank || !lines[i].isEmpty() ? by : "").append(lines[i]);
      PythonText.requireLength(indented.length());
    }
    return indented.toString();
  }

  /// As `str.center`, which puts an odd space to the left of a text of even length.
  private static Object center(Arguments arguments) {
    arguments.require("center", 1, "value", "width");
    String text = soft(arguments.positional().getFirst(), "center");
    int width = Python.index(arguments.get(1, "width", 80L), "width");
    int missing = Math.max(0, width - Python.length(text));
    int left = missing / 2 + (missing & width & 1);
    return PythonText.bounded(
        (long) text.length() + missing, () -> " ".repeat(left) + text + " ".repeat(missing - left));
  }

  private static int words(String text) {
    int words = 0;
    boolean inWord = false;
    for (int point : text.codePoints().toArray()) {
      boolean letter = Character.isLetterOrDigit(point) || point == '_';
      words += letter && !inWord ? 1 : 0;
      inWord = letter;
    }
    return words;
  }

  private static Object escape(Object value, Arguments arguments) {
    arguments.require("escape", 1, "value");
    return value instanceof Markup
        ? value
        : new Markup(
            PythonText.str(value)
                .replace("&", "&amp;")
                .replace(">", "&gt;")
                .replace("<", "&lt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;"));
  }

  private static Object integer(Arguments arguments) {
    arguments.require("int", 1, "value", "default", "base");
    Object value = arguments.positional().getFirst();
    Object fallback = arguments.get(1, "default", 0L);
    if (!Python.equal(arguments.get(2, "base", 10L), 10L)) {
      throw JinjaException.unsupported("int with a base");
    }
    if (value instanceof String text && text.strip().matches("[+-]?\\d+(_\\d+)*")) {
      try {
        return Long.valueOf(text.strip().replace("_", ""));
      } catch (NumberFormatException tooLarge) {
        throw JinjaException.unsupported("a number beyond 64 bits");
      }
    }
    Optional<Double> number = toDouble(value);
    if (number.isEmpty() || !Double.isFinite(number.get())) {
      return fallback;
    }
    return value instanceof Long whole ? whole : (Object) (long) number.get().doubleValue();
  }

  private static Object decimal(Arguments arguments) {
    arguments.require("float", 1, "value", "default");
    Optional<Double> number = toDouble(arguments.positional().getFirst());
    return number.isPresent() ? number.get() : arguments.get(1, "default", 0.0);
  }

  private static Optional<Double> toDouble(Object value) {
    if (value instanceof String text) {
      String plain = text.strip();
      boolean isNumber =
          plain.matches("[+-]?(\\d+(_\\d+)*\\.?(\\d+(_\\d+)*)?|\\.\\d+(_\\d+)*)([eE][+-]?\\d+)?");
      if (plain.toLowerCase(Locale.ROOT).matches("[+-]?(nan|inf|infinity)")) {
        throw JinjaException.unsupported("the number " + plain);
      }
      return isNumber ? Optional.of(Double.valueOf(plain.replace("_", ""))) : Optional.empty();
    }
    return Python.number(value).map(Number::doubleValue);
  }

  private static Object absolute(Arguments arguments) {
    arguments.require("abs", 1, "value");
    return switch (Python.number(arguments.positional().getFirst()).orElse(null)) {
      case Long number -> Math.abs(number);
      case Double number -> Math.abs(number);
      case null, default -> throw new JinjaException("abs needs a number");
    };
  }

  private static Object round(Arguments arguments) {
    arguments.require("round", 1, "value", "precision", "method");
    Object value = arguments.positional().getFirst();
    Number number =
        Python.number(value).orElseThrow(() -> new JinjaException("round needs a number"));
    int precision =
        Math.clamp(
            Python.index(arguments.get(1, "precision", 0L), "precision"),
            -MOST_DIGITS,
            MOST_DIGITS);
    Object method = arguments.get(2, "method", "common");
    if (method.equals("common")) {
      if (number instanceof Long whole) { // Python's round of an int is an int
        return precision >= 0
            ? number
            : new BigDecimal(whole).setScale(precision, RoundingMode.HALF_EVEN).longValue();
      }
      double result =
          new BigDecimal(number.doubleValue())
              .setScale(precision, RoundingMode.HALF_EVEN)
              .doubleValue();
      return result == 0 ? Math.copySign(0.0, number.doubleValue()) : result;
    }
    if (!List.of("ceil", "floor").contains(method)) {
      throw new JinjaException("round: method must be common, ceil or floor");
    }
    double scale = Math.pow(10, precision);
    double scaled = number.doubleValue() * scale;
    return (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
  }
}
