package bitnet.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An expression of a template.
sealed interface Expression {

  record Constant(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  record Attribute(Expression of, String name) implements Expression {}

  record Item(Expression of, Expression key) implements Expression {}

  record Slice(
      Expression of,
      Optional<Expression> start,
      Optional<Expression> stop,
      Optional<Expression> step)
      implements Expression {}

  record Call(Expression callee, Parameters parameters) implements Expression {}

  record Filter(Expression of, String name, Parameters parameters) implements Expression {}

  record Test(Expression of, String name, Parameters parameters) implements Expression {}

  record Not(Expression of) implements Expression {}

  record Sign(Expression of, boolean negative) implements Expression {}

  /// `and` or `or`: the second operand is evaluated where the first does not decide.
  record Logic(Expression left, boolean and, Expression right) implements Expression {}

  record Binary(Expression left, String operator, Expression right) implements Expression {}

  /// `a < b < c`, each operand evaluated once.
  record Comparison(Expression first, List<Operand> operands) implements Expression {}

  record Operand(String operator, Expression value) {}

  /// Texts joined with `~`.
  record Concatenation(List<Expression> parts) implements Expression {}

  record Conditional(Expression then, Expression condition, Optional<Expression> otherwise)
      implements Expression {}

  record Items(List<Expression> items, boolean tuple) implements Expression {}

  record Dictionary(List<Map.Entry<Expression, Expression>> entries) implements Expression {}

  /// What stands in the parentheses of a call.
  record Parameters(List<Expression> positional, Map<String, Expression> named) {
    static final Parameters NONE = new Parameters(List.of(), Map.of());
  }
}
