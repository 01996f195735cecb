package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Tuple;
import bitnet.tokenizer.jinja.Value.Undefined;
import bitnet.tokenizer.jinja.Value.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Python's operators.
final class Operators {
  private static final int MOST_ITEMS = 1_000_000;

  private Operators() {}

  static Object binary(String operator, Object left, Object right) {
    requireDefined(left);
    requireDefined(right);
    Optional<Number> a = Python.number(left);
    Optional<Number> b = Python.number(right);
    if (a.isPresent() && b.isPresent()) {
      return arithmetic(operator, a.get(), b.get());
    }
    return switch (operator) {
      case "+" -> sum(left, right);
      case "*" -> product(left, right);
      default -> throw unfit(operator, left, right);
    };
  }

  private static void requireDefined(Object value) {
    if (value instanceof Undefined(var name)) {
      throw new JinjaException("%s is undefined".formatted(name));
    }
  }

  private static JinjaException unfit(String operator, Object left, Object right) {
    return JinjaException.unsupported(
        "%s between %s and %s".formatted(operator, Python.type(left), Python.type(right)));
  }

  private static Object sum(Object left, Object right) {
    if (left instanceof String text && right instanceof String other) {
      return PythonText.bounded((long) text.length() + other.length(), () -> text + other);
    }
    if (left instanceof List<?> list && right instanceof List<?> other) {
      return joined(list, other);
    }
    if (left instanceof Tuple(var items) && right instanceof Tuple(var others)) {
      return new Tuple(joined(items, others));
    }
    throw unfit("+", left, right);
  }

  private static List<Object> joined(List<?> left, List<?> right) {
    if (left.size() + right.size() > MOST_ITEMS) {
      throw new JinjaException("it makes a list of more than %d items".formatted(MOST_ITEMS));
    }
    List<Object> all = Value.list(left);
    all.addAll(right);
    return all;
  }

  private static Object product(Object left, Object right) {
    Object repeated = left instanceof Long ? right : left;
    Object count = left instanceof Long ? left : right;
    if (count instanceof Long number && repeated instanceof String text) {
      int times = Math.clamp(number, 0, Integer.MAX_VALUE);
      return PythonText.bounded((long) text.length() * times, () -> text.repeat(times));
    }
    if (count instanceof Long number && repeated instanceof List<?> list) {
      if (list.size() * (double) number > MOST_ITEMS) {
        throw new JinjaException("it makes a list of more than %d items".formatted(MOST_ITEMS));
      }
      List<Object> all = new ArrayList<>();
      int times = list.isEmpty() ? 0 : Math.clamp(number, 0, MOST_ITEMS);
      for (int i = 0; i < times; i++) {
        all.addAll(list);
      }
      return all;
    }
    throw unfit("*", left, right);
  }

  private static Object arithmetic(String operator, Number left, Number right) {
    boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
    if (divides && right.doubleValue() == 0) {
      throw new JinjaException("it divides by zero");
    }
    if (left instanceof Long a && right instanceof Long b && !operator.equals("/")) {
      try {
        return whole(operator, a, b);
      } catch (ArithmeticException overflow) {
        throw JinjaException.unsupported("a number beyond 64 bits");
      }
    }
    double x = left.doubleValue();
    double y = right.doubleValue();
    return switch (operator) {
      case "+" -> x + y;
      case "-" -> x - y;
      case "*" -> x * y;
      case "/" -> x / y;
      case "//" -> Math.floor(x / y);
      case "%" -> x - y * Math.floor(x / y);
      default -> Math.pow(x, y);
    };
  }

  private static Object whole(String operator, long a, long b) {
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      default -> {
        if (b < 0) {
          yield Math.pow((double) a, (double) b);
        }
        if (b > 10_000) {
          throw new ArithmeticException("too large");
        }
        long result = 1;
        for (long i = 0; i < b; i++) {
          result = Math.multiplyExact(result, a);
        }
        yield result;
      }
    };
  }

  static Object sign(Object value, boolean negative) {
    requireDefined(value);
    return switch (Python.number(value).orElse(null)) {
      case Long number -> negative ? arithmetic("-", 0L, number) : number;
      case Double number -> negative ? (Object) (-number) : number;
      case null, default ->
          throw new JinjaException("%s has no sign".formatted(Python.type(value)));
    };
  }

  static boolean compares(String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> Python.equal(left, right);
      case "!=" -> !Python.equal(left, right);
      case "in" -> Python.contains(right, left);
      case "not in" -> !Python.contains(right, left);
      default -> {
        requireDefined(left);
        requireDefined(right);
        int order = Python.compare(left, right);
        yield switch (operator) {
          case "<" -> order < 0;
          case "<=" -> order <= 0;
          case ">" -> order > 0;
          default -> order >= 0;
        };
      }
    };
  }

  /// `value[start:stop:step]`, with Python's meaning of what is negative, absent or too large.
  static Object slice(
      Object value, Optional<Object> start, Optional<Object> stop, Optional<Object> step) {
    requireDefined(value);
    List<Object> items =
        switch (value) {
          case String _, List<?> _, Tuple _ -> Python.items(value);
          case View(var kind, var range) when kind.equals("range") -> range;
          default -> throw new JinjaException("%s has no slices".formatted(Python.type(value)));
        };
    int by = step.map(bound -> Python.index(bound, "a slice's step")).orElse(1);
    if (by == 0) {
      throw new JinjaException("a slice's step is 0");
    }
    int size = items.size();
    int first = bound(start, by > 0 ? 0 : size - 1, by, size);
    int end = bound(stop, by > 0 ? size : -1, by, size);
    List<Object> taken = new ArrayList<>();
    for (long i = first; by > 0 ? i < end : i > end; i += by) {
      taken.add(items.get((int) i));
    }
    return switch (value) {
      case String _ -> {
        StringBuilder text = new StringBuilder();
        taken.forEach(text::append);
        yield text.toString();
      }
      case Tuple _ -> new Tuple(taken);
      case View(var kind, var _) -> new View(kind, taken);
      default -> taken;
    };
  }

  private static int bound(Optional<Object> bound, int fallback, int step, int size) {
    if (bound.isEmpty() || bound.get() instanceof Value.None) {
      return fallback;
    }
    long index = Python.index(bound.get(), "a slice's bound");
    long counted = index < 0 ? index + size : index;
    return step > 0 ? Math.clamp(counted, 0, size) : Math.clamp(counted, -1, size - 1);
  }
}
