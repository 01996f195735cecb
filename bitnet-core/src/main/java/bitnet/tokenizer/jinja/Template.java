package bitnet.tokenizer.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A Jinja template, rendered as jinja2 does in transformers' sandbox: with `trim_blocks`,
/// `lstrip_blocks`, `break` and `continue`, without escapes for HTML.
///
/// It computes on values of its own: a template reads no file and calls nothing of Java. What it
/// prints and how long it runs is bounded. Where Python would give something that is not
/// implemented here, rendering fails and names it.
public final class Template {
  private final List<Statement> body;

  private Template(List<Statement> body) {
    this.body = body;
  }

  /// Reads a template.
  ///
  /// @throws JinjaException if it is damaged or uses what is not supported, naming the line
  public static Template parse(String source) {
    return new Template(TemplateParser.parse(source));
  }

  /// Renders it.
  ///
  /// @param variables texts, numbers, booleans, [Value]s, lists and maps of these
  /// @throws JinjaException if it fails as in Python, or uses what is not supported
  public String render(Map<String, ?> variables) {
    Map<String, Object> values = new HashMap<>(Globals.functions());
    variables.forEach((name, value) -> values.put(name, value(value)));
    try {
      return new Renderer().render(body, Scope.of(values));
    } catch (StackOverflowError tooDeep) {
      throw new JinjaException("it is nested too deep");
    }
  }

  /// A value as templates compute with it.
  private static Object value(Object value) {
    return switch (value) {
      case Integer number -> number.longValue();
      case Float number -> number.doubleValue();
      case List<?> list -> {
        List<Object> copy = new ArrayList<>();
        list.forEach(item -> copy.add(value(item)));
        yield copy;
      }
      case Map<?, ?> map -> {
        Map<Object, Object> copy = new LinkedHashMap<>();
        map.forEach((key, each) -> copy.put(key, value(each)));
        yield copy;
      }
      case Boolean _, Long _, Double _, String _, Value _ -> value;
      default -> throw new IllegalArgumentException(value + " is not a value of a template");
    };
  }
}
