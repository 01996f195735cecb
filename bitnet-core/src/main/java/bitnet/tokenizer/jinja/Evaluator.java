package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.Function;
import bitnet.tokenizer.jinja.Value.Tuple;
import bitnet.tokenizer.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Computes expressions.
final class Evaluator {
  /// What a template may do at most: far more than a conversation needs, a second or so.
  private static final long MOST_STEPS = 20_000_000;

  private long steps;

  Object evaluate(Expression expression, Scope scope) {
    count();
    return switch (expression) {
      case Expression.Constant(var value) -> value;
      case Expression.Name(var name) -> name(name, scope);
      case Expression.Attribute(var of, var name) ->
          Attributes.attribute(evaluate(of, scope), name);
      case Expression.Item(var of, var key) ->
          Attributes.item(evaluate(of, scope), evaluate(key, scope));
      case Expression.Slice slice -> slice(slice, scope);
      case Expression.Call call -> call(call, scope);
      case Expression.Filter(var of, var name, var parameters) ->
          Filters.apply(name, arguments(Optional.of(evaluate(of, scope)), parameters, scope));
      case Expression.Test(var of, var name, var parameters) ->
          Tests.test(name, arguments(Optional.of(evaluate(of, scope)), parameters, scope));
      case Expression.Not(var of) -> !Python.truth(evaluate(of, scope));
      case Expression.Sign(var of, var negative) -> Operators.sign(evaluate(of, scope), negative);
      case Expression.Logic(var left, var and, var right) -> {
        Object first = evaluate(left, scope);
        yield Python.truth(first) == and ? evaluate(right, scope) : first;
      }
      case Expression.Binary(var left, var operator, var right) ->
          Operators.binary(operator, evaluate(left, scope), evaluate(right, scope));
      case Expression.Comparison comparison -> compare(comparison, scope);
      case Expression.Concatenation(var parts) -> concatenate(parts, scope);
      case Expression.Conditional(var then, var condition, var otherwise) ->
          Python.truth(evaluate(condition, scope))
              ? evaluate(then, scope)
              : otherwise
                  .map(other -> evaluate(other, scope))
                  .orElseGet(() -> new Undefined("an if without else"));
      case Expression.Items(var items, var tuple) -> {
        List<Object> values = new ArrayList<>();
        items.forEach(item -> values.add(evaluate(item, scope)));
        yield tuple ? new Tuple(values) : values;
      }
      case Expression.Dictionary(var entries) -> {
        Map<Object, Object> map = new LinkedHashMap<>();
        entries.forEach(
            entry ->
                map.put(
                    Python.key(evaluate(entry.getKey(), scope)),
                    evaluate(entry.getValue(), scope)));
        yield map;
      }
    };
  }

  private static Object name(String name, Scope scope) {
    Object value = scope.get(name);
    if (value instanceof Undefined && name.equals("self")) {
      throw JinjaException.unsupported("the name " + name);
    }
    return value;
  }

  /// Counts what is done, and stops a template that does not end.
  void count() {
    if (++steps > MOST_STEPS) {
      throw new JinjaException("it does not end within %d steps".formatted(MOST_STEPS));
    }
  }

  private Object slice(Expression.Slice slice, Scope scope) {
    return Operators.slice(
        evaluate(slice.of(), scope),
        slice.start().map(bound -> evaluate(bound, scope)),
        slice.stop().map(bound -> evaluate(bound, scope)),
        slice.step().map(bound -> evaluate(bound, scope)));
  }

  private Object call(Expression.Call call, Scope scope) {
    Object callee = evaluate(call.callee(), scope);
    if (callee instanceof Function function) {
      return function.call(arguments(Optional.empty(), call.parameters(), scope));
    }
    String name =
        switch (call.callee()) {
          case Expression.Name(var known) -> known;
          case Expression.Attribute(var _, var known) -> known;
          default -> "what is called";
        };
    throw callee instanceof Undefined
        ? JinjaException.unsupported("the function " + name)
        : new JinjaException("%s is %s, not a function".formatted(name, Python.type(callee)));
  }

  private Arguments arguments(
      Optional<Object> first, Expression.Parameters parameters, Scope scope) {
    List<Object> positional = new ArrayList<>();
    first.ifPresent(positional::add);
    parameters.positional().forEach(each -> positional.add(evaluate(each, scope)));
    Map<String, Object> named = new LinkedHashMap<>();
    parameters.named().forEach((name, value) -> named.put(name, evaluate(value, scope)));
    return new Arguments(positional, named);
  }

  private Object compare(Expression.Comparison comparison, Scope scope) {
    Object left = evaluate(comparison.first(), scope);
    for (Expression.Operand operand : comparison.operands()) {
      Object right = evaluate(operand.value(), scope);
      if (!Operators.compares(operand.operator(), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  private Object concatenate(List<Expression> parts, Scope scope) {
    List<String> texts = new ArrayList<>();
    parts.forEach(part -> texts.add(PythonText.str(evaluate(part, scope))));
    return PythonText.bounded(
        texts.stream().mapToLong(String::length).sum(),
        () -> texts.stream().collect(Collectors.joining()));
  }
}
