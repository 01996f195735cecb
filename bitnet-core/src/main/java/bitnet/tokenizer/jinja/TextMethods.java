package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.Function;
import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.Tuple;
import bitnet.tokenizer.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/// The methods of Python's `str`.
final class TextMethods {
  /// Those of Python that are not here.
  private static final Set<String> OTHERS =
      Set.of(
          "casefold",
          "encode",
          "expandtabs",
          "format",
          "format_map",
          "isidentifier",
          "istitle",
          "maketrans",
          "translate",
          "isdecimal",
          "isnumeric",
          "isprintable",
          "center",
          "ljust",
          "rjust",
          "swapcase");

  /// The characters that end a line for `str.splitlines`.
  static final String LINE_ENDS = "\n\r\u000b\f\u001c\u001d\u001e\u0085\u2028\u2029";

  private TextMethods() {}

  /// The method of that name, or undefined.
  static Object of(String text, String name) {
    if (OTHERS.contains(name)) {
      return (Function)
          arguments -> {
            throw JinjaException.unsupported("str." + name);
          };
    }
    return switch (name) {
      case "strip", "lstrip", "rstrip" -> (Function) arguments -> strip(text, name, arguments);
      case "lower" -> plain(name, text.toLowerCase(Locale.ROOT));
      case "upper" -> plain(name, text.toUpperCase(Locale.ROOT));
      case "title" -> plain(name, title(text));
      case "capitalize" -> plain(name, capitalize(text));
      case "split", "rsplit" -> (Function) arguments -> split(text, name, arguments);
      case "splitlines" -> (Function) arguments -> lines(text, arguments);
      case "partition", "rpartition" -> (Function) arguments -> partition(text, name, arguments);
      case "startswith", "endswith" -> (Function) arguments -> starts(text, name, arguments);
      case "replace" -> (Function) arguments -> replace(text, arguments);
      case "removeprefix", "removesuffix" -> (Function) arguments -> remove(text, name, arguments);
      case "find", "rfind", "index", "rindex" ->
          (Function) arguments -> find(text, name, arguments);
      case "count" -> (Function) arguments -> count(text, arguments);
      case "join" -> (Function) arguments -> join(text, arguments);
      case "zfill" -> (Function) arguments -> zeroFill(text, arguments);
      case "isdigit" -> plain(name, all(text, Character::isDigit));
      case "isalpha" -> plain(name, all(text, Character::isLetter));
      case "isalnum" -> plain(name, all(text, Character::isLetterOrDigit));
      case "isspace" -> plain(name, all(text, TextMethods::isSpace));
      case "isascii" -> plain(name, text.codePoints().allMatch(point -> point < 128));
      case "isupper" -> plain(name, isUpper(text));
      case "islower" -> plain(name, isLower(text));
      default -> new Undefined("str object has no attribute " + name);
    };
  }

  private static Function plain(String name, Object result) {
    return arguments -> {
      arguments.require(name, 0);
      return result;
    };
  }

  private static boolean all(String text, IntPredicate rule) {
    return !text.isEmpty() && text.codePoints().allMatch(rule);
  }

  static boolean isUpper(String text) {
    return text.codePoints().anyMatch(Character::isUpperCase)
        && text.codePoints().noneMatch(Character::isLowerCase);
  }

  static boolean isLower(String text) {
    return text.codePoints().anyMatch(Character::isLowerCase)
        && text.codePoints().noneMatch(Character::isUpperCase);
  }

  /// What `str.isspace` calls white space, which `strip` takes away.
  static boolean isSpace(int point) {
    return Character.isWhitespace(point)
        || Character.isSpaceChar(point)
        || point == 0x85; // Java counts the separators, and not this one
  }

  static String title(String text) {
    StringBuilder titled = new StringBuilder();
    boolean inWord = false;
    for (int point : text.codePoints().toArray()) {
      String one = Character.toString(point);
      titled.append(inWord ? one.toLowerCase(Locale.ROOT) : one.toUpperCase(Locale.ROOT));
      inWord = Character.isLetter(point);
    }
    return titled.toString();
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT)
        + text.substring(first).toLowerCase(Locale.ROOT);
  }

  private static Object strip(String text, String name, Arguments arguments) {
    arguments.require(name, 0, "chars");
    return strip(
        text, arguments.get(0, "chars", None.NONE), !name.equals("rstrip"), !name.equals("lstrip"));
  }

  /// @param characters those to take away, or None for white space
  static String strip(String text, Object characters, boolean left, boolean right) {
    IntPredicate taken =
        characters instanceof None
            ? TextMethods::isSpace
            : point -> text(characters, "strip").indexOf(point) >= 0;
    int start = 0;
    int end = text.length();
    while (left && start < end && taken.test(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    while (right && end > start && taken.test(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(start, end);
  }

  private static String text(Object value, String method) {
    if (value instanceof String text) {
      return text;
    }
    throw new JinjaException("%s wants a text, not %s".formatted(method, Python.type(value)));
  }

  private static Object split(String text, String name, Arguments arguments) {
    arguments.require(name, 0, "sep", "maxsplit");
    Object separator = arguments.get(0, "sep", None.NONE);
    int most = Python.index(arguments.get(1, "maxsplit", -1L), "maxsplit");
    int limit = most < 0 ? Integer.MAX_VALUE : most;
    boolean fromRight = name.equals("rsplit");
    if (separator instanceof None) {
      if (limit < Integer.MAX_VALUE) {
        throw JinjaException.unsupported(name + " at white space with maxsplit");
      }
      return words(text);
    }
    String cut = text(separator, name);
    if (cut.isEmpty()) {
      throw new JinjaException(name + " has an empty separator");
    }
    return fromRight ? splitRight(text, cut, limit) : splitLeft(text, cut, limit);
  }

  private static List<Object> words(String text) {
    List<Object> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    for (int point : (text + " ").codePoints().toArray()) {
      if (!isSpace(point)) {
        word.appendCodePoint(point);
      } else if (!word.isEmpty()) {
        words.add(word.toString());
        word.setLength(0);
      }
    }
    return words;
  }

  private static List<Object> splitLeft(String text, String cut, int limit) {
    List<Object> parts = new ArrayList<>();
    int start = 0;
    for (int at = text.indexOf(cut); at >= 0 && parts.size() < limit; ) {
      parts.add(text.substring(start, at));
      start = at + cut.length();
      at = text.indexOf(cut, start);
    }
    parts.add(text.substring(start));
    return parts;
  }

  private static List<Object> splitRight(String text, String cut, int limit) {
    List<Object> parts = new ArrayList<>();
    int end = text.length();
    for (int at = text.lastIndexOf(cut); at >= 0 && parts.size() < limit; ) {
      parts.add(text.substring(at + cut.length(), end));
      end = at;
      at = text.lastIndexOf(cut, end - cut.length());
    }
    parts.add(text.substring(0, end));
    Collections.reverse(parts);
    return parts;
  }

  private static Object lines(String text, Arguments arguments) {
    arguments.require("splitlines", 0, "keepends");
    boolean keeps = Python.truth(arguments.get(0, "keepends", false));
    List<Object> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      if (LINE_ENDS.indexOf(text.charAt(i)) >= 0) {
        int end = i;
        i += text.startsWith("\r\n", i) ? 1 : 0;
        lines.add(text.substring(start, keeps ? i + 1 : end));
        start = i + 1;
      }
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  private static Object partition(String text, String name, Arguments arguments) {
    arguments.requirePositional(name, 1, 1);
    String cut = text(arguments.positional().getFirst(), name);
    boolean last = name.equals("rpartition");
    int at = last ? text.lastIndexOf(cut) : text.indexOf(cut);
    if (at < 0) {
      return new Tuple(last ? List.of("", "", text) : List.of(text, "", ""));
    }
    return new Tuple(List.of(text.substring(0, at), cut, text.substring(at + cut.length())));
  }

  private static Object starts(String text, String name, Arguments arguments) {
    arguments.requirePositional(name, 1, 1);
    Object wanted = arguments.positional().getFirst();
    List<?> any = wanted instanceof Tuple(var items) ? items : List.of(text(wanted, name));
    return any.stream()
        .map(each -> text(each, name))
        .anyMatch(each -> name.equals("startswith") ? text.startsWith(each) : text.endsWith(each));
  }

  private static Object replace(String text, Arguments arguments) {
    arguments.require("replace", 2, "old", "new", "count");
    return replace(
        text,
        text(arguments.get(0, "old", ""), "replace"),
        text(arguments.get(1, "new", ""), "replace"),
        Python.index(arguments.get(2, "count", -1L), "count"));
  }

  /// @param most replacements; below 0 all
  static String replace(String text, String old, String with, int most) {
    if (old.isEmpty()) {
      throw JinjaException.unsupported("replace of an empty text");
    }
    StringBuilder replaced = new StringBuilder();
    int start = 0;
    int count = 0;
    for (int at = text.indexOf(old); at >= 0 && (most < 0 || count < most); count++) {
      replaced.append(text, start, at).append(with);
      start = at + old.length();
      at = text.indexOf(old, start);
      PythonText.requireLength(replaced.length());
    }
    return replaced.append(text, start, text.length()).toString();
  }

  private static Object remove(String text, String name, Arguments arguments) {
    arguments.requirePositional(name, 1, 1);
    String affix = text(arguments.positional().getFirst(), name);
    if (name.equals("removeprefix")) {
      return text.startsWith(affix) ? text.substring(affix.length()) : text;
    }
    return text.endsWith(affix) ? text.substring(0, text.length() - affix.length()) : text;
  }

  private static Object find(String text, String name, Arguments arguments) {
    arguments.requirePositional(name, 1, 1);
    String part = text(arguments.positional().getFirst(), name);
    int at = name.startsWith("r") ? text.lastIndexOf(part) : text.indexOf(part);
    if (at < 0 && name.endsWith("index")) {
      throw new JinjaException(name + ": the text is not there");
    }
    return at < 0 ? -1L : (Object) (long) text.codePointCount(0, at);
  }

  private static Object count(String text, Arguments arguments) {
    arguments.requirePositional("count", 1, 1);
    String part = text(arguments.positional().getFirst(), "count");
    return part.isEmpty()
        ? Python.length(text) + 1L
        : (Object) (splitLeft(text, part, Integer.MAX_VALUE).size() - 1L);
  }

  private static Object join(String text, Arguments arguments) {
    arguments.requirePositional("join", 1, 1);
    List<Object> items = Python.items(arguments.positional().getFirst());
    List<String> texts = items.stream().map(item -> text(item, "join")).toList();
    long length =
        texts.stream().mapToLong(String::length).sum() + (long) text.length() * texts.size();
    return PythonText.bounded(length, () -> texts.stream().collect(Collectors.joining(text)));
  }

  private static Object zeroFill(String text, Arguments arguments) {
    arguments.requirePositional("zfill", 1, 1);
    int missing = Python.index(arguments.positional().getFirst(), "width") - Python.length(text);
    int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
    return PythonText.bounded(
        missing,
        () -> text.substring(0, sign) + "0".repeat(Math.max(0, missing)) + text.substring(sign));
  }
}
