package bitnet.tokenizer.jinja;

import bitnet.storage.PrintableText;
import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.Tuple;
import bitnet.tokenizer.jinja.Value.Undefined;
import bitnet.tokenizer.jinja.Value.View;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// Values as Python writes them.
final class PythonText {
  /// The longest text that a template may make.
  static final int LONGEST = 64 << 20;

  private PythonText() {}

  /// Python's `str()`.
  static String str(Object value) {
    return switch (value) {
      case String text -> text;
      case Value.Markup markup -> markup.text();
      case Undefined _ -> "";
      default -> repr(value);
    };
  }

  /// Python's `repr()`.
  static String repr(Object value) {
    return switch (value) {
      case String text -> quoted(text);
      case Boolean flag -> flag ? "True" : "False";
      case Long number -> number.toString();
      case Double number -> number(number);
      case None _ -> "None";
      case List<?> list -> "[" + joined(list) + "]";
      case Tuple(var items) -> "(" + joined(items) + (items.size() == 1 ? ",)" : ")");
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> repr(entry.getKey()) + ": " + repr(entry.getValue()))
              .collect(Collectors.joining(", ", "{", "}"));
      case View(var kind, var items) when kind.startsWith("dict_") ->
          "%s([%s])".formatted(kind, joined(items));
      case Undefined _ -> "Undefined";
      default -> throw JinjaException.unsupported("printing of " + Python.type(value));
    };
  }

  private static String joined(List<?> items) {
    return items.stream().map(PythonText::repr).collect(Collectors.joining(", "));
  }

  /// A number as `repr(float)`: the shortest digits, with an exponent below 1e-4 and from 1e16 on.
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return Double.toString(value);
    }
    BigDecimal digits = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = digits.precision() - digits.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = digits.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String unscaled = digits.unscaledValue().abs().toString();
    String mantissa =
        unscaled.length() == 1 ? unscaled : unscaled.charAt(0) + "." + unscaled.substring(1);
    return String.format(
        Locale.ROOT,
        "%s%se%s%02d",
        value < 0 ? "-" : "",
        mantissa,
        exponent < 0 ? "-" : "+",
        Math.abs(exponent));
  }

  private static String quoted(String text) {
    char quote = text.contains("'") && !text.contains("\"") ? '"' : '\'';
    StringBuilder quoted = new StringBuilder().append(quote);
    text.codePoints()
        .forEach(
            point -> {
              if (point == quote || point == '\\') {
                quoted.append('\\').appendCodePoint(point);
              } else if (isPrintable(point)) {
                quoted.appendCodePoint(point);
              } else {
                quoted.append(escaped(point));
              }
            });
    return quoted.append(quote).toString();
  }

  private static String escaped(int point) {
    return switch (point) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default ->
          String.format(
              Locale.ROOT,
              point < 0x100 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x",
              point);
    };
  }

  /// Python's `str.isprintable` of a character.
  private static boolean isPrintable(int point) {
    return point == ' '
        || (Character.getType(point) != Character.SPACE_SEPARATOR
            && PrintableText.isPrintable(point));
  }

  /// The text, unless it is longer than a template may make.
  static String bounded(long length, Supplier<String> text) {
    requireLength(length);
    return text.get();
  }

  /// Refuses a text that is longer than a template may make.
  static void requireLength(long length) {
    if (length > LONGEST) {
      throw new JinjaException("it makes a text of more than %d characters".formatted(LONGEST));
    }
  }
}
