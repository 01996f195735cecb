package bitnet.reward;

import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/// The functions that an expression may have.
final class MathFunctions {
  static final Map<String, DoubleUnaryOperator> BY_NAME =
      Map.ofEntries(
          Map.entry("sin", Math::sin),
          Map.entry("cos", Math::cos),
          Map.entry("tan", Math::tan),
          Map.entry("cot", x -> 1 / Math.tan(x)),
          Map.entry("sec", x -> 1 / Math.cos(x)),
          Map.entry("csc", x -> 1 / Math.sin(x)),
          Map.entry("arcsin", Math::asin),
          Map.entry("arccos", Math::acos),
          Map.entry("arctan", Math::atan),
          Map.entry("sinh", Math::sinh),
          Map.entry("cosh", Math::cosh),
          Map.entry("tanh", Math::tanh),
          Map.entry("exp", Math::exp),
          Map.entry("ln", Math::log),
          Map.entry("log", Math::log10),
          Map.entry("abs", Math::abs),
          Map.entry("sqrt", Math::sqrt));

  private MathFunctions() {}

  /// 20! at most; a factorial of anything else has a value of its own.
  static MathExpression factorial(MathExpression operand) {
    long factor = 1;
    for (long i = 0; i <= 20; i++) {
      factor *= Math.max(1, i);
      long whole = i;
      if (operand.exact().filter(it -> it.isSameAs(MathNumber.of(whole))).isPresent()) {
        return new MathExpression.Literal(MathNumber.of(factor));
      }
    }
    return new MathExpression.Function("factorial", x -> Math.exp(x * Math.sqrt(2)), operand);
  }
}
