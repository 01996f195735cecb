package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.Function;
import bitnet.tokenizer.jinja.Value.Undefined;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// Runs statements.
final class Renderer {
  private static final int DEEPEST_CALL = 100;

  /// What comes after a statement.
  private enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  private final Evaluator evaluator = new Evaluator();
  private StringBuilder out = new StringBuilder();
  private int calls;

  /// The text that statements make.
  String render(List<Statement> body, Scope scope) {
    run(body, scope);
    return out.toString();
  }

  private Flow run(List<Statement> body, Scope scope) {
    for (Statement statement : body) {
      Flow flow = run(statement, scope);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  private Flow run(Statement statement, Scope scope) {
    evaluator.count();
    switch (statement) {
      case Statement.Text(var text) -> write(text);
      case Statement.Output(var value) -> write(PythonText.str(evaluator.evaluate(value, scope)));
      case Statement.If(var branches) -> {
        return runFirst(branches, scope);
      }
      case Statement.For loop -> loop(loop, scope);
      case Statement.Set(var targets, var attribute, var value) ->
          assign(targets, attribute, evaluator.evaluate(value, scope), scope);
      case Statement.SetBlock(var target, var attribute, var filter, var body) -> {
        Object text = filtered(filter, capture(body, scope.inner()), scope);
        assign(List.of(target), attribute, text, scope);
      }
      case Statement.FilterBlock(var filter, var body) ->
          write(PythonText.str(filtered(Optional.of(filter), capture(body, scope.inner()), scope)));
      case Statement.With(var values, var body) -> {
        Scope inner = scope.inner();
        values.forEach((name, value) -> inner.set(name, evaluator.evaluate(value, scope)));
        return run(body, inner);
      }
      case Statement.Macro macro ->
          scope.set(macro.name(), (Function) arguments -> call(macro, arguments, scope));
      case Statement.Generation(var body) -> {
        return run(body, scope.inner());
      }
      case Statement.Jump jump -> {
        return jump == Statement.Jump.BREAK ? Flow.BREAK : Flow.CONTINUE;
      }
    }
    return Flow.NEXT;
  }

  private void write(String text) {
    out.append(text);
    PythonText.requireLength(out.length());
  }

  private Flow runFirst(List<Statement.Branch> branches, Scope scope) {
    for (Statement.Branch branch : branches) {
      if (branch.condition().isEmpty()
          || Python.truth(evaluator.evaluate(branch.condition().get(), scope))) {
        return run(branch.body(), scope);
      }
    }
    return Flow.NEXT;
  }

  private Object filtered(Optional<Expression> filter, String text, Scope scope) {
    if (filter.isEmpty()) {
      return text;
    }
    Scope inner = scope.inner();
    inner.set(Statement.SetBlock.TEXT, text);
    return evaluator.evaluate(filter.get(), inner);
  }

  private String capture(List<Statement> body, Scope scope) {
    StringBuilder outer = out;
    out = new StringBuilder();
    try {
      run(body, scope);
      return out.toString();
    } finally {
      out = outer;
    }
  }

  private static void assign(
      List<String> targets, Optional<String> attribute, Object value, Scope scope) {
    if (attribute.isPresent()) {
      if (!(scope.get(targets.getFirst()) instanceof Value.Namespace(var attributes))) {
        throw new JinjaException(
            "cannot set %s of %s, which is not a namespace"
                .formatted(attribute.get(), targets.getFirst()));
      }
      attributes.put(attribute.get(), value);
      return;
    }
    unpack(targets, value, scope);
  }

  private static void unpack(List<String> targets, Object value, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.getFirst(), value);
      return;
    }
    List<Object> items = Python.items(value);
    if (items.size() != targets.size()) {
      throw new JinjaException(
          "%d values cannot be unpacked into %d names".formatted(items.size(), targets.size()));
    }
    for (int i = 0; i < items.size(); i++) {
      scope.set(targets.get(i), items.get(i));
    }
  }

  private void loop(Statement.For loop, Scope scope) {
    Iterator<Object> items =
        Python.items(evaluator.evaluate(loop.iterable(), scope)).stream()
            .filter(item -> isTaken(loop, item, scope))
            .iterator();
    Loop state = new Loop(items);
    if (!state.next()) {
      run(loop.otherwise(), scope.inner());
      return;
    }
    do {
      Scope inner = scope.inner();
      unpack(loop.targets(), state.item(), inner);
      inner.set("loop", (Value.Attributed) state::attribute);
      if (run(loop.body(), inner) == Flow.BREAK) {
        return;
      }
    } while (state.next());
  }

  private boolean isTaken(Statement.For loop, Object item, Scope scope) {
    evaluator.count();
    if (loop.condition().isEmpty()) {
      return true;
    }
    Scope inner = scope.inner();
    unpack(loop.targets(), item, inner);
    return Python.truth(evaluator.evaluate(loop.condition().get(), inner));
  }

  private Object call(Statement.Macro macro, Arguments arguments, Scope scope) {
    if (++calls > DEEPEST_CALL) {
      throw new JinjaException("macros call each other more than %d deep".formatted(DEEPEST_CALL));
    }
    String[] names =
        macro.parameters().stream().map(Statement.Parameter::name).toArray(String[]::new);
    arguments.require(macro.name(), 0, names);
    Scope inner = scope.inner();
    for (int i = 0; i < names.length; i++) {
      Statement.Parameter parameter = macro.parameters().get(i);
      Object value =
          arguments.has(i, names[i])
              ? arguments.get(i, names[i], "")
              : parameter
                  .fallback()
                  .map(fallback -> evaluator.evaluate(fallback, inner))
                  .orElseGet(() -> new Undefined(parameter.name()));
      inner.set(names[i], value);
    }
    String text = capture(macro.body(), inner);
    calls--;
    return text;
  }
}
