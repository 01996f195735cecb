package bitnet.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The words of one tag, read one after the other.
final class Tokens {
  private static final Pattern WORD =
      Pattern.compile(
          "(?<space>\\s+)"
              + "|(?<float>(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?[eE][+-]?(?:\\d+_)*\\d+"
              + "|\\.(?:\\d+_)*\\d+))"
              + "|(?<integer>0[bB][01_]+|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|\\d(?:_?\\d)*)"
              + "|(?<name>[\\p{L}_][\\p{L}\\p{N}_]*)"
              + "|(?<string>'(?:[^'\\\\]|\\\\.)*+'|\"(?:[^\"\\\\]|\\\\.)*+\")"
              + "|(?<operator>//|\\*\\*|==|!=|>=|<=|[-+*/%~|.,:()\\[\\]{}<>=])",
          Pattern.DOTALL);

  private final List<Token> tokens = new ArrayList<>();
  private final String source;
  private int next;

  /// @throws JinjaException at the first thing that is not a word
  Tokens(String source) {
    this.source = source;
    Matcher word = WORD.matcher(source);
    for (int at = 0; at < source.length(); at = word.end()) {
      if (!word.find(at) || word.start() != at) {
        throw new JinjaException(
            "\"%s\": unexpected character at \"%s\"".formatted(source, source.substring(at)));
      }
      add(word);
    }
    tokens.add(new Token(Token.Kind.END, "the end of the tag", ""));
  }

  private void add(Matcher word) {
    String text = word.group();
    if (word.group("float") != null) {
      // 1.2.foo is an attribute of a float, x.1.2 are two items
      Object value = Double.valueOf(text.replace("_", ""));
      tokens.add(new Token(Token.Kind.NUMBER, text, value));
    } else if (word.group("integer") != null) {
      tokens.add(new Token(Token.Kind.NUMBER, text, integer(text.replace("_", ""))));
    } else if (word.group("name") != null) {
      tokens.add(new Token(Token.Kind.NAME, text, text));
    } else if (word.group("string") != null) {
      String inner = text.substring(1, text.length() - 1);
      tokens.add(new Token(Token.Kind.STRING, text, StringLiteral.unescape(inner)));
    } else if (word.group("operator") != null) {
      tokens.add(new Token(Token.Kind.OPERATOR, text, text));
    }
  }

  private static Object integer(String digits) {
    try {
      if (digits.length() > 2 && Character.isLetter(digits.charAt(1))) {
        int base =
            switch (Character.toLowerCase(digits.charAt(1))) {
              case 'b' -> 2;
              case 'o' -> 8;
              default -> 16;
            };
        return Long.valueOf(digits.substring(2), base);
      }
      return Long.valueOf(digits);
    } catch (NumberFormatException tooLarge) {
      throw JinjaException.unsupported("the number " + digits);
    }
  }

  Token peek() {
    return tokens.get(next);
  }

  Token peekSecond() {
    return tokens.get(Math.min(next + 1, tokens.size() - 1));
  }

  Token take() {
    Token token = tokens.get(next);
    next = Math.min(next + 1, tokens.size() - 1);
    return token;
  }

  /// Takes the operator if it is next.
  boolean skip(String operator) {
    boolean found = peek().is(operator);
    if (found) {
      take();
    }
    return found;
  }

  /// Takes the name if it is next.
  boolean skipName(String name) {
    boolean found = peek().isName(name);
    if (found) {
      take();
    }
    return found;
  }

  void expect(String operator) {
    if (!skip(operator)) {
      throw unexpected("\"" + operator + "\"");
    }
  }

  String expectName() {
    if (peek().kind() != Token.Kind.NAME) {
      throw unexpected("a name");
    }
    return take().text();
  }

  void expectEnd() {
    if (peek().kind() != Token.Kind.END) {
      throw unexpected("the end of the tag");
    }
  }

  JinjaException unexpected(String wanted) {
    return new JinjaException(
        "\"%s\": expected %s, found %s".formatted(source, wanted, peek().text()));
  }
}
