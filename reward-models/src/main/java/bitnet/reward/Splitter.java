package bitnet.reward;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// Parts of an answer in the notation of [MathText], at separators outside of all brackets.
final class Splitter {
  private static final String OPEN = "([{\u2983\u27e6";
  private static final String CLOSE = ")]}\u2984\u27e7";
  private static final Pattern WORD = Pattern.compile(",? ?(?<![\\p{L}])(?:and|or)(?![\\p{L}])");

  private Splitter() {}

  /// How many brackets are open before a place.
  static int depth(String text, int place) {
    int depth = 0;
    for (int i = 0; i < place; i++) {
      depth += change(text.charAt(i));
    }
    return depth;
  }

  private static int change(char character) {
    return OPEN.indexOf(character) >= 0 ? 1 : CLOSE.indexOf(character) >= 0 ? -1 : 0;
  }

  /// The parts between commas, semicolons, "and" and "or".
  static List<String> list(String text) {
    return split(WORD.matcher(text.replace(';', ',')).replaceAll(","), ',').stream()
        .filter(part -> !part.isBlank())
        .toList();
  }

  /// The parts between commas or semicolons.
  static List<String> commas(String text) {
    return split(text.replace(';', ','), ',');
  }

  /// The parts between separators; the text itself if there is none.
  static List<String> split(String text, char separator) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      depth += change(text.charAt(i));
      if (text.charAt(i) == separator && depth == 0) {
        parts.add(text.substring(start, i));
        start = i + 1;
      }
    }
    parts.add(text.substring(start));
    return parts;
  }

  /// Whether the first character opens a bracket that the last one closes.
  static boolean isEnclosed(String text) {
    if (text.length() < 2 || change(text.charAt(0)) != 1) {
      return false;
    }
    int depth = 0;
    for (int i = 0; i < text.length(); i++) {
      depth += change(text.charAt(i));
      if (depth == 0) {
        return i == text.length() - 1;
      }
    }
    return false;
  }
}
