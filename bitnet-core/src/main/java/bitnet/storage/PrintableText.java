package bitnet.storage;

import java.util.Locale;

/// Text of unknown origin as it may appear in a message: on one line, and without characters that a
/// terminal would interpret.
public final class PrintableText {
  private PrintableText() {}

  /// The text with every control, format, private, unassigned and separating character written as
  /// `\\uXXXX`, as JSON would.
  public static String escape(String text) {
    if (text.codePoints().allMatch(PrintableText::isPrintable)) {
      return text;
    }
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            point -> {
              if (isPrintable(point)) {
                escaped.appendCodePoint(point);
              } else {
                for (char half : Character.toChars(point)) {
                  escaped.append(String.format(Locale.ROOT, "\\u%04x", (int) half));
                }
              }
            });
    return escaped.toString();
  }

  /// The same, cut to `longest` characters of the text.
  public static String escape(String text, int longest) {
    return text.codePointCount(0, text.length()) <= longest
        ? escape(text)
        : escape(text.substring(0, text.offsetByCodePoints(0, longest))) + "...";
  }

  /// Whether a character is shown as it is: not a control, format, private, unassigned or line
  /// separating character, and not half of a surrogate pair.
  public static boolean isPrintable(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
