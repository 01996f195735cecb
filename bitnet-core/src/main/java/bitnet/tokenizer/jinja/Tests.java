package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.Tuple;
import bitnet.tokenizer.jinja.Value.Undefined;
import bitnet.tokenizer.jinja.Value.View;
import java.util.List;
import java.util.Map;

/// Jinja's tests, what stands behind `is`.
final class Tests {
  private Tests() {}

  /// @param arguments the value, then those of the test
  static boolean test(String name, Arguments arguments) {
    Object value = arguments.positional().getFirst();
    return switch (name) {
      case "divisibleby" -> {
        arguments.require(name, 2, "value", "num");
        yield isZero(Operators.binary("%", value, arguments.get(1, "num", 1L)));
      }
      case "eq", "equalto" -> compares("==", name, arguments);
      case "ne" -> compares("!=", name, arguments);
      case "lt", "lessthan" -> compares("<", name, arguments);
      case "le" -> compares("<=", name, arguments);
      case "gt", "greaterthan" -> compares(">", name, arguments);
      case "ge" -> compares(">=", name, arguments);
      case "in" -> compares("in", name, arguments);
      case "sameas" -> {
        arguments.require(name, 2, "value", "other");
        yield isSame(value, arguments.get(1, "other", value));
      }
      default -> {
        arguments.require(name, 1, "value");
        yield plain(name, value);
      }
    };
  }

  private static boolean compares(String operator, String name, Arguments arguments) {
    arguments.require(name, 2, "value", "other");
    Object other = arguments.get(1, "other", None.NONE);
    return Operators.compares(operator, arguments.positional().getFirst(), other);
  }

  private static boolean isSame(Object left, Object right) {
    if (left instanceof Boolean || left instanceof None || left instanceof Undefined) {
      return left.equals(right);
    }
    if (right instanceof Boolean || right instanceof None) {
      return false;
    }
    throw JinjaException.unsupported(
        "sameas between %s and %s".formatted(Python.type(left), Python.type(right)));
  }

  private static boolean isZero(Object number) {
    return Python.equal(number, 0L);
  }

  private static boolean plain(String name, Object value) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value instanceof None;
      case "boolean" -> value instanceof Boolean;
      case "true" -> value.equals(true);
      case "false" -> value.equals(false);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "number" -> Python.number(value).isPresent();
      case "string" -> value instanceof String || value instanceof Value.Markup;
      case "mapping" -> value instanceof Map;
      case "iterable" -> Python.isIterable(value);
      case "sequence" ->
          switch (value) {
            case String _, List<?> _, Map<?, ?> _, Tuple _, Undefined _ -> true;
            case View(var kind, var _) -> kind.equals("range");
            default -> false;
          };
      case "callable" -> value instanceof Value.Function;
      case "odd" -> Python.equal(Operators.binary("%", value, 2L), 1L);
      case "even" -> isZero(Operators.binary("%", value, 2L));
      case "lower" -> TextMethods.isLower(PythonText.str(value));
      case "upper" -> TextMethods.isUpper(PythonText.str(value));
      default -> throw JinjaException.unsupported("the test " + name);
    };
  }
}
