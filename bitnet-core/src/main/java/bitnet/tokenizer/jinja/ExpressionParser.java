package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Expression.Parameters;
import bitnet.tokenizer.jinja.Value.None;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads expressions with the precedence that jinja2's own parser gives its operators.
final class ExpressionParser {
  private static final int DEEPEST = 200;
  private static final Set<String> COMPARING = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final Tokens tokens;
  private int depth;

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
  }

  /// An expression, perhaps with `if` and `else`.
  Expression expression() {
    if (++depth > DEEPEST) {
      throw JinjaException.unsupported("an expression nested more than %d deep".formatted(DEEPEST));
    }
    Expression result = or();
    while (tokens.skipName("if")) {
      Expression condition = or();
      Optional<Expression> otherwise =
          tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
      result = new Expression.Conditional(result, condition, otherwise);
    }
    depth--;
    return result;
  }

  /// An expression without a condition of its own, as the iterable of a loop.
  Expression unconditional() {
    return or();
  }

  /// One expression, or several with commas between them, which are a tuple.
  Expression tuple() {
    Expression first = expression();
    return tokens.peek().is(",") ? tuple(first) : first;
  }

  private Expression tuple(Expression first) {
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skip(",")) {
      if (tokens.peek().kind() == Token.Kind.END || tokens.peek().is(")")) {
        break;
      }
      items.add(expression());
    }
    return new Expression.Items(items, true);
  }

  private Expression or() {
    Expression left = and();
    while (tokens.skipName("or")) {
      left = new Expression.Logic(left, false, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.skipName("and")) {
      left = new Expression.Logic(left, true, not());
    }
    return left;
  }

  private Expression not() {
    if (!tokens.skipName("not")) {
      return comparison();
    }
    if (++depth > DEEPEST) {
      throw JinjaException.unsupported("not, more than %d times".formatted(DEEPEST));
    }
    Expression negated = new Expression.Not(not());
    depth--;
    return negated;
  }

  private Expression comparison() {
    Expression first = sum();
    List<Expression.Operand> operands = new ArrayList<>();
    while (true) {
      if (tokens.peek().kind() == Token.Kind.OPERATOR && COMPARING.contains(tokens.peek().text())) {
        String operator = tokens.take().text();
        operands.add(new Expression.Operand(operator, sum()));
      } else if (tokens.skipName("in")) {
        operands.add(new Expression.Operand("in", sum()));
      } else if (tokens.peek().isName("not") && tokens.peekSecond().isName("in")) {
        tokens.take();
        tokens.take();
        operands.add(new Expression.Operand("not in", sum()));
      } else {
        return operands.isEmpty() ? first : new Expression.Comparison(first, operands);
      }
    }
  }

  private Expression sum() {
    Expression left = concatenation();
    while (tokens.peek().is("+") || tokens.peek().is("-")) {
      String operator = tokens.take().text();
      left = new Expression.Binary(left, operator, concatenation());
    }
    return left;
  }

  private Expression concatenation() {
    List<Expression> parts = new ArrayList<>(List.of(product()));
    while (tokens.skip("~")) {
      parts.add(product());
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Concatenation(parts);
  }

  private Expression product() {
    Expression left = power();
    while (Set.of("*", "/", "//", "%").contains(tokens.peek().text())
        && tokens.peek().kind() == Token.Kind.OPERATOR) {
      String operator = tokens.take().text();
      left = new Expression.Binary(left, operator, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (tokens.skip("**")) {
      left = new Expression.Binary(left, "**", unary(true));
    }
    return left;
  }

  private Expression unary(boolean withFilters) {
    Expression result;
    if (tokens.peek().is("-") || tokens.peek().is("+")) {
      if (++depth > DEEPEST) {
        throw JinjaException.unsupported("a sign, more than %d times".formatted(DEEPEST));
      }
      boolean negative = tokens.take().is("-");
      result = new Expression.Sign(unary(false), negative);
      depth--;
    } else {
      result = primary();
    }
    result = postfix(result);
    return withFilters ? filters(result) : result;
  }

  private Expression primary() {
    Token token = tokens.peek();
    switch (token.kind()) {
      case NAME -> {
        tokens.take();
        return switch (token.text()) {
          case "true", "True" -> new Expression.Constant(true);
          case "false", "False" -> new Expression.Constant(false);
          case "none", "None" -> new Expression.Constant(None.NONE);
          default -> new Expression.Name(token.text());
        };
      }
      case NUMBER -> {
        return new Expression.Constant(tokens.take().value());
      }
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (tokens.peek().kind() == Token.Kind.STRING) {
          text.append(tokens.take().value());
        }
        return new Expression.Constant(text.toString());
      }
      case OPERATOR, END -> {}
    }
    if (tokens.skip("(")) {
      return parenthesis();
    }
    if (tokens.skip("[")) {
      return new Expression.Items(items("]"), false);
    }
    if (tokens.skip("{")) {
      return dictionary();
    }
    throw tokens.unexpected("an expression");
  }

  private Expression parenthesis() {
    if (tokens.skip(")")) {
      return new Expression.Items(List.of(), true);
    }
    Expression inner = tuple();
    tokens.expect(")");
    return inner;
  }

  private List<Expression> items(String closing) {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skip(closing)) {
      items.add(expression());
      if (!tokens.peek().is(closing)) {
        tokens.expect(",");
      }
    }
    return items;
  }

  private Expression dictionary() {
    List<Map.Entry<Expression, Expression>> entries = new ArrayList<>();
    while (!tokens.skip("}")) {
      Expression key = expression();
      tokens.expect(":");
      entries.add(Map.entry(key, expression()));
      if (!tokens.peek().is("}")) {
        tokens.expect(",");
      }
    }
    return new Expression.Dictionary(entries);
  }

  private Expression postfix(Expression of) {
    Expression result = of;
    while (true) {
      if (tokens.skip(".")) {
        Token name = tokens.take();
        if (name.kind() == Token.Kind.NUMBER && name.value() instanceof Long) {
          result = new Expression.Item(result, new Expression.Constant(name.value()));
        } else if (name.kind() == Token.Kind.NAME) {
          result = new Expression.Attribute(result, name.text());
        } else {
          throw JinjaException.unsupported("\"%s\" after a dot".formatted(name.text()));
        }
      } else if (tokens.skip("[")) {
        result = subscript(result);
      } else if (tokens.skip("(")) {
        result = new Expression.Call(result, parameters());
      } else {
        return result;
      }
    }
  }

  private Expression subscript(Expression of) {
    Optional<Expression> start =
        tokens.peek().is(":") ? Optional.empty() : Optional.of(expression());
    if (tokens.skip("]")) {
      return new Expression.Item(of, start.orElseThrow());
    }
    tokens.expect(":");
    Optional<Expression> stop = bound();
    Optional<Expression> step = tokens.skip(":") ? bound() : Optional.empty();
    tokens.expect("]");
    return new Expression.Slice(of, start, stop, step);
  }

  private Optional<Expression> bound() {
    return tokens.peek().is(":") || tokens.peek().is("]")
        ? Optional.empty()
        : Optional.of(expression());
  }

  /// The arguments of a call, after its opening parenthesis.
  private Parameters parameters() {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!tokens.skip(")")) {
      if (tokens.peek().is("*") || tokens.peek().is("**")) {
        throw JinjaException.unsupported("an argument with " + tokens.peek().text());
      }
      if (tokens.peek().kind() == Token.Kind.NAME && tokens.peekSecond().is("=")) {
        String name = tokens.take().text();
        tokens.take();
        named.put(name, expression());
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw tokens.unexpected("a named argument");
      }
      if (!tokens.peek().is(")")) {
        tokens.expect(",");
      }
    }
    return new Parameters(positional, named);
  }

  /// Filters, tests and calls behind an operand.
  private Expression filters(Expression of) {
    Expression result = of;
    while (true) {
      if (tokens.skip("|")) {
        result = filter(result);
      } else if (tokens.skipName("is")) {
        result = test(result);
      } else if (tokens.skip("(")) {
        result = new Expression.Call(result, parameters());
      } else {
        return result;
      }
    }
  }

  /// A filter, whose bar has been read.
  Expression filter(Expression of) {
    String name = tokens.expectName();
    return new Expression.Filter(of, name, tokens.skip("(") ? parameters() : Parameters.NONE);
  }

  /// Further filters, as behind that of a `filter` block.
  Expression moreFilters(Expression of) {
    Expression result = filter(of);
    while (tokens.skip("|")) {
      result = filter(result);
    }
    return result;
  }

  private Expression test(Expression of) {
    boolean negated = tokens.skipName("not");
    String name = tokens.expectName();
    Parameters parameters = Parameters.NONE;
    if (tokens.skip("(")) {
      parameters = parameters();
    } else if (isOperandOfTest(tokens.peek())) {
      if (tokens.peek().isName("is")) {
        throw new JinjaException("tests cannot be chained with \"is\"");
      }
      parameters = new Parameters(List.of(postfix(primary())), Map.of());
    }
    Expression result = new Expression.Test(of, name, parameters);
    return negated ? new Expression.Not(result) : result;
  }

  private static boolean isOperandOfTest(Token token) {
    return switch (token.kind()) {
      case STRING, NUMBER -> true;
      case NAME -> !Set.of("else", "or", "and").contains(token.text());
      case OPERATOR -> token.is("(") || token.is("[") || token.is("{");
      case END -> false;
    };
  }
}
