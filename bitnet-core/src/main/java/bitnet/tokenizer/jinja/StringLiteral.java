package bitnet.tokenizer.jinja;

/// Python's escapes in a string literal.
final class StringLiteral {
  private StringLiteral() {}

  /// The text that a literal stands for, without its quotes. An unknown escape stays as it is.
  static String unescape(String literal) {
    if (literal.indexOf('\\') < 0) {
      return literal;
    }
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < literal.length()) {
      char c = literal.charAt(at++);
      if (c != '\\' || at == literal.length()) {
        text.append(c);
      } else {
        at = escape(literal, at, text);
      }
    }
    return text.toString();
  }

  /// Reads what follows a backslash and returns the place behind it.
  private static int escape(String literal, int at, StringBuilder text) {
    char c = literal.charAt(at);
    switch (c) {
      case '\n' -> {}
      case '\\', '\'', '"' -> text.append(c);
      case 'n' -> text.append('\n');
      case 't' -> text.append('\t');
      case 'r' -> text.append('\r');
      case 'b' -> text.append('\b');
      case 'f' -> text.append('\f');
      case 'a' -> text.append('\u0007');
      case 'v' -> text.append('\u000b');
      case 'x' -> {
        return code(literal, at + 1, 2, 16, text);
      }
      case 'u' -> {
        return code(literal, at + 1, 4, 16, text);
      }
      case 'U' -> {
        return code(literal, at + 1, 8, 16, text);
      }
      case 'N' -> throw JinjaException.unsupported("\\N{...} in a string");
      case '0', '1', '2', '3', '4', '5', '6', '7' -> {
        int end = at;
        while (end < Math.min(literal.length(), at + 3) && isOctal(literal.charAt(end))) {
          end++;
        }
        return code(literal, at, end - at, 8, text);
      }
      default -> text.append('\\').append(c);
    }
    return at + 1;
  }

  private static boolean isOctal(char c) {
    return c >= '0' && c <= '7';
  }

  private static int code(String literal, int at, int digits, int base, StringBuilder text) {
    try {
      String code = literal.substring(at, at + digits);
      text.appendCodePoint(Integer.parseUnsignedInt(code, base));
      return at + digits;
    } catch (IllegalArgumentException | IndexOutOfBoundsException damaged) {
      throw new JinjaException("a string has a cut escape: \"%s\"".formatted(literal));
    }
  }
}
