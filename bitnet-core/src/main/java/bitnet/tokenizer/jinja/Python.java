package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.Once;
import bitnet.tokenizer.jinja.Value.Tuple;
import bitnet.tokenizer.jinja.Value.Undefined;
import bitnet.tokenizer.jinja.Value.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What Python's built-in functions say of a value: its truth, length and items, whether two are
/// equal and which is the lesser.
final class Python {
  private Python() {}

  /// Python's name of a value's type.
  static String type(Object value) {
    return switch (value) {
      case Boolean _ -> "bool";
      case Long _ -> "int";
      case Double _ -> "float";
      case String _ -> "str";
      case List<?> _ -> "list";
      case Map<?, ?> _ -> "dict";
      case Tuple _ -> "tuple";
      case None _ -> "NoneType";
      case Undefined _ -> "Undefined";
      case View view -> view.kind();
      case Once _ -> "generator";
      case Value.Markup _ -> "Markup";
      case Value.Namespace _ -> "Namespace";
      case Value.Function _ -> "function";
      default -> "object";
    };
  }

  static boolean truth(Object value) {
    return switch (value) {
      case Boolean flag -> flag;
      case Long number -> number != 0;
      case Double number -> number != 0;
      case String text -> !text.isEmpty();
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      case Tuple tuple -> !tuple.items().isEmpty();
      case View view -> !view.items().isEmpty();
      case Value.Markup markup -> !markup.text().isEmpty();
      case None _, Undefined _ -> false;
      default -> true;
    };
  }

  /// A number as a long or a double; empty for what is none.
  static Optional<Number> number(Object value) {
    return switch (value) {
      case Boolean flag -> Optional.of(flag ? 1L : 0L);
      case Long number -> Optional.of(number);
      case Double number -> Optional.of(number);
      default -> Optional.empty();
    };
  }

  /// The whole number that a value must be.
  static int index(Object value, String what) {
    if (number(value).orElse(null) instanceof Long number) {
      return Math.clamp(number, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }
    throw new JinjaException("%s is %s, not a whole number".formatted(what, type(value)));
  }

  /// The length of what has one.
  static int length(Object value) {
    return switch (value) {
      case String text -> text.codePointCount(0, text.length());
      case Value.Markup markup -> length(markup.text());
      case Map<?, ?> map -> map.size();
      case Undefined _ -> 0;
      case List<?> list -> list.size();
      case Tuple tuple -> tuple.items().size();
      case View view -> view.items().size();
      default -> throw new JinjaException("%s has no length".formatted(type(value)));
    };
  }

  /// The items of what can be iterated; a text's are its characters, a dictionary's its keys.
  static List<Object> items(Object value) {
    return switch (value) {
      case String text -> Value.list(text.codePoints().mapToObj(Character::toString).toList());
      case Map<?, ?> map -> Value.list(map.keySet());
      case Undefined _ -> new ArrayList<>();
      case List<?> list -> Value.list(list);
      case Tuple tuple -> Value.list(tuple.items());
      case View view -> Value.list(view.items());
      case Once once -> {
        List<Object> rest = new ArrayList<>();
        once.items().forEachRemaining(rest::add);
        yield rest;
      }
      default -> throw new JinjaException("%s cannot be iterated".formatted(type(value)));
    };
  }

  static boolean isIterable(Object value) {
    return switch (value) {
      case String _, Map<?, ?> _, Undefined _, List<?> _, Tuple _, View _, Once _ -> true;
      default -> false;
    };
  }

  static boolean equal(Object left, Object right) {
    Optional<Number> a = number(left);
    Optional<Number> b = number(right);
    if (a.isPresent() && b.isPresent()) {
      return compareNumbers(a.get(), b.get()) == 0;
    }
    return switch (left) {
      case List<?> list -> right instanceof List<?> other && equalItems(list, other);
      case Tuple tuple -> right instanceof Tuple(var items) && equalItems(tuple.items(), items);
      case Undefined _ -> right instanceof Undefined;
      case Map<?, ?> map -> right instanceof Map<?, ?> other && equalMaps(map, other);
      case String _, None _ -> left.equals(right);
      case Value.Markup _ -> throw JinjaException.unsupported("comparing escaped text");
      default -> left.equals(right);
    };
  }

  private static boolean equalItems(List<?> left, List<?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    for (int i = 0; i < left.size(); i++) {
      if (!equal(left.get(i), right.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean equalMaps(Map<?, ?> left, Map<?, ?> right) {
    return left.size() == right.size()
        && left.entrySet().stream()
            .allMatch(
                entry ->
                    right.containsKey(entry.getKey())
                        && equal(entry.getValue(), right.get(entry.getKey())));
  }

  private static int compareNumbers(Number left, Number right) {
    return left instanceof Long a && right instanceof Long b
        ? Long.compare(a, b)
        : left.doubleValue() == right.doubleValue()
            ? 0
            : Double.compare(left.doubleValue(), right.doubleValue());
  }

  /// Below 0, 0 or above 0, as the left value is less, equal or greater.
  static int compare(Object left, Object right) {
    Optional<Number> a = number(left);
    Optional<Number> b = number(right);
    if (a.isPresent() && b.isPresent()) {
      return compareNumbers(a.get(), b.get());
    }
    if (left instanceof String text && right instanceof String other) {
      return compareTexts(text, other);
    }
    if (left instanceof List<?> list && right instanceof List<?> other) {
      return compareItems(list, other);
    }
    if (left instanceof Tuple tuple && right instanceof Tuple other) {
      return compareItems(tuple.items(), other.items());
    }
    throw new JinjaException("%s and %s have no order".formatted(type(left), type(right)));
  }

  /// By characters, where Java would compare halves of surrogate pairs.
  private static int compareTexts(String left, String right) {
    int[] a = left.codePoints().toArray();
    int[] b = right.codePoints().toArray();
    return java.util.Arrays.compare(a, b);
  }

  private static int compareItems(List<?> left, List<?> right) {
    for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
      if (!equal(left.get(i), right.get(i))) {
        return compare(left.get(i), right.get(i));
      }
    }
    return Integer.compare(left.size(), right.size());
  }

  /// Whether a value is in another one.
  static boolean contains(Object container, Object value) {
    return switch (container) {
      case String text -> {
        if (value instanceof String part) {
          yield text.contains(part);
        }
        throw new JinjaException("%s cannot be in a text".formatted(type(value)));
      }
      case Map<?, ?> map -> map.containsKey(key(value));
      case Undefined _, List<?> _, Tuple _, View _, Once _ ->
          items(container).stream().anyMatch(item -> equal(item, value));
      default -> throw new JinjaException("nothing can be in %s".formatted(type(container)));
    };
  }

  /// A key of a dictionary.
  static Object key(Object value) {
    return switch (value) {
      case String _, Long _, None _ -> value;
      case Tuple _, Boolean _, Double _ ->
          throw JinjaException.unsupported("a key of type " + type(value));
      default -> throw new JinjaException("%s cannot be a key".formatted(type(value)));
    };
  }
}
