package bitnet.data;

/// An operation of an [ArithmeticTask].
enum ArithmeticOperation {
  ADD('+'),
  SUBTRACT('-'),
  MULTIPLY('*');

  private final char symbol;

  ArithmeticOperation(char symbol) {
    this.symbol = symbol;
  }

  char symbol() {
    return symbol;
  }

  static ArithmeticOperation of(int symbol) {
    for (ArithmeticOperation operation : values()) {
      if (operation.symbol == symbol) {
        return operation;
      }
    }
    throw new IllegalArgumentException(
        "ops has \"%s\"; use some of + - * without anything between them, for example +-"
            .formatted(Character.toString(symbol)));
  }

  long apply(long left, long right) {
    return switch (this) {
      case ADD -> left + right;
      case SUBTRACT -> left - right;
      case MULTIPLY -> left * right;
    };
  }

  /// `12+7=19`.
  String equation(long left, long right) {
    return "%d%c%d=%d".formatted(left, symbol, right, apply(left, right));
  }
}
