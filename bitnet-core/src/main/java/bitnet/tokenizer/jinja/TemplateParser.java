package bitnet.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Makes statements of a template's parts.
final class TemplateParser {
  private static final int DEEPEST = 100;

  private final List<Part> parts;
  private int next;
  private int loops;
  private int depth;

  private TemplateParser(List<Part> parts) {
    this.parts = parts;
  }

  /// The statements of a template.
  ///
  /// @throws JinjaException naming the line, if it is damaged or uses what is not supported
  static List<Statement> parse(String source) {
    TemplateParser parser = new TemplateParser(PartReader.read(source));
    List<Statement> body = parser.body(List.of());
    if (parser.next < parser.parts.size()) {
      Part rest = parser.parts.get(parser.next);
      throw at(rest, new JinjaException("\"%s\" closes no block".formatted(rest.content())));
    }
    return body;
  }

  private static JinjaException at(Part part, JinjaException failure) {
    return new JinjaException("line %d: %s".formatted(part.line(), failure.getMessage()));
  }

  /// Statements up to a tag that begins with one of these words, which is not read.
  private List<Statement> body(List<String> ends) {
    if (++depth > DEEPEST) {
      throw JinjaException.unsupported("a block nested more than %d deep".formatted(DEEPEST));
    }
    List<Statement> body = new ArrayList<>();
    while (next < parts.size()) {
      Part part = parts.get(next);
      if (part.kind() == Part.Kind.STATEMENT && isEnd(word(part), ends)) {
        depth--;
        return body;
      }
      next++;
      switch (part.kind()) {
        case TEXT -> body.add(new Statement.Text(part.content()));
        case OUTPUT -> body.add(output(part));
        case STATEMENT -> body.add(statement(part));
      }
    }
    if (!ends.isEmpty()) {
      throw new JinjaException("{%% %s %%} is missing".formatted(ends.getLast()));
    }
    depth--;
    return body;
  }

  private static boolean isEnd(String word, List<String> ends) {
    return ends.contains(word) || (ends.isEmpty() && word.startsWith("end"));
  }

  private static String word(Part part) {
    return part.content().split("[^\\p{L}\\p{N}_]", 2)[0];
  }

  private static Statement output(Part part) {
    try {
      Tokens tokens = new Tokens(part.content());
      Expression value = new ExpressionParser(tokens).tuple();
      tokens.expectEnd();
      return new Statement.Output(value);
    } catch (JinjaException failure) {
      throw at(part, failure);
    }
  }

  private Statement statement(Part part) {
    try {
      Tokens tokens = new Tokens(part.content());
      String word = tokens.expectName();
      ExpressionParser expressions = new ExpressionParser(tokens);
      return switch (word) {
        case "if" -> conditional(tokens, expressions);
        case "for" -> loop(tokens, expressions);
        case "set" -> set(tokens, expressions);
        case "macro" -> macro(tokens, expressions);
        case "with" -> with(tokens, expressions);
        case "filter" -> filter(tokens, expressions);
        case "generation" -> {
          tokens.expectEnd();
          yield new Statement.Generation(block("endgeneration"));
        }
        case "break", "continue" -> jump(word, tokens);
        default -> throw JinjaException.unsupported("{%% %s %%}".formatted(word));
      };
    } catch (JinjaException failure) {
      throw failure.getMessage() != null && failure.getMessage().startsWith("line ")
          ? failure
          : at(part, failure);
    }
  }

  private Statement jump(String word, Tokens tokens) {
    tokens.expectEnd();
    if (loops == 0) {
      throw new JinjaException(word + " outside of a loop");
    }
    return word.equals("break") ? Statement.Jump.BREAK : Statement.Jump.CONTINUE;
  }

  /// The statements of a block and its end.
  private List<Statement> block(String end) {
    List<Statement> body = body(List.of(end));
    next++;
    return body;
  }

  private Statement conditional(Tokens tokens, ExpressionParser expressions) {
    List<Statement.Branch> branches = new ArrayList<>();
    Optional<Expression> condition = Optional.of(expressions.tuple());
    tokens.expectEnd();
    while (true) {
      List<Statement> body = body(List.of("elif", "else", "endif"));
      branches.add(new Statement.Branch(condition, body));
      Tokens end = new Tokens(parts.get(next++).content());
      String word = end.expectName();
      if (word.equals("elif")) {
        condition = Optional.of(new ExpressionParser(end).tuple());
      } else if (word.equals("else")) {
        branches.add(new Statement.Branch(Optional.empty(), block("endif")));
        return new Statement.If(branches);
      } else {
        return new Statement.If(branches);
      }
      end.expectEnd();
    }
  }

  private Statement loop(Tokens tokens, ExpressionParser expressions) {
    List<String> targets = targets(tokens);
    if (!tokens.skipName("in")) {
      throw tokens.unexpected("\"in\"");
    }
    Expression iterable = expressions.unconditional();
    Optional<Expression> condition =
        tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
    if (tokens.skipName("recursive")) {
      throw JinjaException.unsupported("a recursive loop");
    }
    tokens.expectEnd();
    loops++;
    List<Statement> body = body(List.of("else", "endfor"));
    loops--;
    List<Statement> otherwise =
        word(parts.get(next++)).equals("else") ? block("endfor") : List.of();
    return new Statement.For(targets, iterable, condition, body, otherwise);
  }

  private static List<String> targets(Tokens tokens) {
    boolean parenthesis = tokens.skip("(");
    List<String> targets = new ArrayList<>(List.of(tokens.expectName()));
    while (tokens.skip(",")) {
      targets.add(tokens.expectName());
    }
    if (parenthesis) {
      tokens.expect(")");
    }
    return targets;
  }

  private Statement set(Tokens tokens, ExpressionParser expressions) {
    List<String> targets = targets(tokens);
    Optional<String> attribute =
        tokens.skip(".") ? Optional.of(tokens.expectName()) : Optional.empty();
    if (tokens.skip("=")) {
      Expression value = expressions.tuple();
      tokens.expectEnd();
      return new Statement.Set(targets, attribute, value);
    }
    if (targets.size() > 1) {
      throw tokens.unexpected("\"=\"");
    }
    Optional<Expression> filter =
        tokens.skip("|")
            ? Optional.of(expressions.moreFilters(new Expression.Name(Statement.SetBlock.TEXT)))
            : Optional.empty();
    tokens.expectEnd();
    return new Statement.SetBlock(targets.getFirst(), attribute, filter, block("endset"));
  }

  private Statement macro(Tokens tokens, ExpressionParser expressions) {
    String name = tokens.expectName();
    List<Statement.Parameter> parameters = new ArrayList<>();
    tokens.expect("(");
    while (!tokens.skip(")")) {
      String parameter = tokens.expectName();
      parameters.add(
          new Statement.Parameter(
              parameter,
              tokens.skip("=") ? Optional.of(expressions.expression()) : Optional.empty()));
      if (!tokens.peek().is(")")) {
        tokens.expect(",");
      }
    }
    tokens.expectEnd();
    int outer = loops;
    loops = 0;
    List<Statement> body = block("endmacro");
    loops = outer;
    return new Statement.Macro(name, parameters, body);
  }

  private Statement with(Tokens tokens, ExpressionParser expressions) {
    Map<String, Expression> values = new LinkedHashMap<>();
    while (tokens.peek().kind() != Token.Kind.END) {
      String name = tokens.expectName();
      tokens.expect("=");
      values.put(name, expressions.expression());
      if (tokens.peek().kind() != Token.Kind.END) {
        tokens.expect(",");
      }
    }
    return new Statement.With(values, block("endwith"));
  }

  private Statement filter(Tokens tokens, ExpressionParser expressions) {
    Expression filter = expressions.moreFilters(new Expression.Name(Statement.SetBlock.TEXT));
    tokens.expectEnd();
    return new Statement.FilterBlock(filter, block("endfilter"));
  }
}
