package bitnet.tokenizer.jinja;

/// A word of an expression.
///
/// @param kind what it is
/// @param text of an operator or a name; of a constant its source
/// @param value of a constant, else the text
record Token(Kind kind, String text, Object value) {
  enum Kind {
    NAME,
    STRING,
    NUMBER,
    OPERATOR,
    END
  }

  boolean is(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }
}
