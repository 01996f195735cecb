package bitnet.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A statement of a template.
sealed interface Statement {

  record Text(String text) implements Statement {}

  record Output(Expression value) implements Statement {}

  record If(List<Branch> branches) implements Statement {}

  /// A part of an `if`, which for `else` has no condition.
  record Branch(Optional<Expression> condition, List<Statement> body) {}

  record For(
      List<String> targets,
      Expression iterable,
      Optional<Expression> condition,
      List<Statement> body,
      List<Statement> otherwise)
      implements Statement {}

  /// An assignment to names, or to an attribute of the namespace that the only target names.
  record Set(List<String> targets, Optional<String> attribute, Expression value)
      implements Statement {}

  /// An assignment of a block's text, which the filter sees under the name [#TEXT].
  record SetBlock(
      String target, Optional<String> attribute, Optional<Expression> filter, List<Statement> body)
      implements Statement {
    static final String TEXT = "text of the block"; // no template can name it
  }

  record FilterBlock(Expression filter, List<Statement> body) implements Statement {}

  record With(Map<String, Expression> values, List<Statement> body) implements Statement {}

  record Macro(String name, List<Parameter> parameters, List<Statement> body)
      implements Statement {}

  record Parameter(String name, Optional<Expression> fallback) {}

  /// What a model wrote, in templates for training; is rendered as its body.
  record Generation(List<Statement> body) implements Statement {}

  enum Jump implements Statement {
    BREAK,
    CONTINUE
  }
}
