package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.Markup;
import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.Once;
import bitnet.tokenizer.jinja.Value.Tuple;
import bitnet.tokenizer.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/// Jinja's filters of lists.
final class ListFilters {
  private static final Map<String, String> OPERATORS =
      Map.of("==", "eq", "!=", "ne", "<", "lt", "<=", "le", ">", "gt", ">=", "ge");

  private ListFilters() {}

  static Object apply(String name, Arguments arguments) {
    Object value = arguments.positional().getFirst();
    return switch (name) {
      case "list" -> {
        arguments.require(name, 1, "value");
        yield Python.items(value);
      }
      case "first" -> first(name, arguments);
      case "last" -> last(name, arguments);
      case "join" -> join(arguments);
      case "reverse" -> reverse(name, arguments);
      case "sort" -> sort(arguments);
      case "unique" -> unique(arguments);
      case "sum" -> sum(arguments);
      case "min", "max" -> extreme(name, arguments);
      case "items" -> items(name, arguments);
      case "dictsort" -> dictionarySort(arguments);
      case "attr" -> attribute(arguments);
      case "batch" -> batch(arguments);
      case "map" -> map(arguments);
      case "select", "reject" -> select(name, arguments);
      case "selectattr", "rejectattr" -> selectAttribute(name, arguments);
      default -> throw JinjaException.unsupported("the filter " + name);
    };
  }

  private static Object first(String name, Arguments arguments) {
    arguments.require(name, 1, "value");
    if (arguments.positional().getFirst() instanceof Once(var rest)) {
      return rest.hasNext() ? rest.next() : new Undefined("the first item of nothing");
    }
    List<Object> items = Python.items(arguments.positional().getFirst());
    return items.isEmpty() ? new Undefined("the first item of nothing") : items.getFirst();
  }

  private static Object last(String name, Arguments arguments) {
    arguments.require(name, 1, "value");
    if (arguments.positional().getFirst() instanceof Once) {
      throw new JinjaException("a generator has no last item; make it a list");
    }
    List<Object> items = Python.items(arguments.positional().getFirst());
    return items.isEmpty() ? new Undefined("the last item of nothing") : items.getLast();
  }

  private static Object join(Arguments arguments) {
    arguments.require("join", 1, "value", "d", "attribute");
    List<Object> items = Python.items(arguments.positional().getFirst());
    UnaryOperator<Object> getter = getter(arguments.get(2, "attribute", None.NONE));
    List<String> texts = items.stream().map(item -> PythonText.str(getter.apply(item))).toList();
    String separator = PythonText.str(arguments.get(1, "d", ""));
    long length =
        texts.stream().mapToLong(String::length).sum() + (long) separator.length() * texts.size();
    return PythonText.bounded(length, () -> texts.stream().collect(Collectors.joining(separator)));
  }

  private static Object reverse(String name, Arguments arguments) {
    arguments.require(name, 1, "value");
    Object value = arguments.positional().getFirst();
    List<Object> items = Python.items(value);
    Collections.reverse(items);
    return value instanceof String
        ? items.stream().map(PythonText::str).collect(Collectors.joining())
        : new Once(items.iterator());
  }

  /// An attribute or item by a dotted path, or the value itself.
  private static UnaryOperator<Object> getter(Object path) {
    if (path instanceof None) {
      return value -> value;
    }
    List<Object> keys = new ArrayList<>();
    for (String part : PythonText.str(path).split("\\.", -1)) {
      keys.add(part.matches("\\d+") ? (Object) Long.valueOf(part) : part);
    }
    return value -> {
      Object found = value;
      for (Object key : keys) {
        found = Attributes.item(found, key);
      }
      return found;
    };
  }

  /// What is compared: texts without regard to case, unless it counts.
  private static UnaryOperator<Object> key(Object caseSensitive, Object attribute) {
    UnaryOperator<Object> getter = getter(attribute);
    if (attribute instanceof String path && path.contains(",")) {
      throw JinjaException.unsupported("several attributes to sort by");
    }
    return value -> {
      Object found = getter.apply(value);
      return found instanceof String text && !Python.truth(caseSensitive)
          ? text.toLowerCase(Locale.ROOT)
          : found;
    };
  }

  private static Object sort(Arguments arguments) {
    arguments.require("sort", 1, "value", "reverse", "case_sensitive", "attribute");
    UnaryOperator<Object> key =
        key(arguments.get(2, "case_sensitive", false), arguments.get(3, "attribute", None.NONE));
    return sorted(
        Python.items(arguments.positional().getFirst()),
        key,
        Python.truth(arguments.get(1, "reverse", false)));
  }

  /// A stable sort, as Python's, also in reverse.
  private static List<Object> sorted(
      List<Object> items, UnaryOperator<Object> key, boolean reverse) {
    Comparator<Object> order = (left, right) -> Python.compare(key.apply(left), key.apply(right));
    items.sort(reverse ? order.reversed() : order);
    return items;
  }

  private static Object unique(Arguments arguments) {
    arguments.require("unique", 1, "value", "case_sensitive", "attribute");
    UnaryOperator<Object> key =
        key(arguments.get(1, "case_sensitive", false), arguments.get(2, "attribute", None.NONE));
    List<Object> seen = new ArrayList<>();
    List<Object> kept = new ArrayList<>();
    for (Object item : Python.items(arguments.positional().getFirst())) {
      Object found = key.apply(item);
      if (seen.stream().noneMatch(other -> Python.equal(other, found))) {
        seen.add(found);
        kept.add(item);
      }
    }
    return new Once(kept.iterator());
  }

  private static Object sum(Arguments arguments) {
    arguments.require("sum", 1, "value", "attribute", "start");
    UnaryOperator<Object> getter = getter(arguments.get(1, "attribute", None.NONE));
    Object sum = arguments.get(2, "start", 0L);
    for (Object item : Python.items(arguments.positional().getFirst())) {
      sum = Operators.binary("+", sum, getter.apply(item));
    }
    return sum;
  }

  private static Object extreme(String name, Arguments arguments) {
    arguments.require(name, 1, "value", "case_sensitive", "attribute");
    UnaryOperator<Object> key =
        key(arguments.get(1, "case_sensitive", false), arguments.get(2, "attribute", None.NONE));
    Object best = new Undefined("the extreme of nothing");
    boolean first = true;
    for (Object item : Python.items(arguments.positional().getFirst())) {
      int order = first ? 0 : Python.compare(key.apply(item), key.apply(best));
      if (first || (name.equals("min") ? order < 0 : order > 0)) {
        best = item;
      }
      first = false;
    }
    return best;
  }

  private static Object items(String name, Arguments arguments) {
    arguments.require(name, 1, "value");
    return switch (arguments.positional().getFirst()) {
      case Undefined _ -> new Once(Collections.emptyIterator());
      case Map<?, ?> map -> new Once(pairs(map).iterator());
      case Object other -> throw new JinjaException("items of %s".formatted(Python.type(other)));
    };
  }

  private static List<Object> pairs(Map<?, ?> map) {
    return Value.list(
        map.entrySet().stream()
            .map(entry -> new Tuple(List.of(entry.getKey(), entry.getValue())))
            .toList());
  }

  private static Object dictionarySort(Arguments arguments) {
    arguments.require("dictsort", 1, "value", "case_sensitive", "by", "reverse");
    if (!(arguments.positional().getFirst() instanceof Map<?, ?> map)) {
      throw new JinjaException("dictsort needs a dictionary");
    }
    Object place =
        switch (PythonText.str(arguments.get(2, "by", "key"))) {
          case "key" -> "0";
          case "value" -> "1";
          default -> throw new JinjaException("dictsort: by must be key or value");
        };
    UnaryOperator<Object> key = key(arguments.get(1, "case_sensitive", false), place);
    return sorted(pairs(map), key, Python.truth(arguments.get(3, "reverse", false)));
  }

  /// The attribute alone, where `value.name` would also take an item.
  private static Object attribute(Arguments arguments) {
    arguments.require("attr", 2, "value", "name");
    if (arguments.positional().getFirst() instanceof Map) {
      throw JinjaException.unsupported("attr of a dictionary");
    }
    return Attributes.attribute(
        arguments.positional().getFirst(), PythonText.str(arguments.get(1, "name", "")));
  }

  private static Object batch(Arguments arguments) {
    arguments.require("batch", 2, "value", "linecount", "fill_with");
    int size = Python.index(arguments.get(1, "linecount", 1L), "linecount");
    Object fill = arguments.get(2, "fill_with", None.NONE);
    if (size < 1) {
      throw JinjaException.unsupported("batch of fewer than 1");
    }
    List<Object> batches = new ArrayList<>();
    List<Object> items = Python.items(arguments.positional().getFirst());
    for (int start = 0; start < items.size(); start += size) {
      List<Object> batch =
          new ArrayList<>(items.subList(start, Math.min(items.size(), start + size)));
      while (!(fill instanceof None) && batch.size() < size) {
        batch.add(fill);
      }
      batches.add(batch);
    }
    return new Once(batches.iterator());
  }

  private static Object map(Arguments arguments) {
    Object value = arguments.positional().getFirst();
    UnaryOperator<Object> function;
    if (arguments.positional().size() == 1 && arguments.named().containsKey("attribute")) {
      arguments.require("map", 1, "value", "attribute", "default");
      UnaryOperator<Object> getter = getter(arguments.get(1, "attribute", None.NONE));
      Object fallback = arguments.get(2, "default", None.NONE);
      function =
          item -> {
            Object found = getter.apply(item);
            return found instanceof Undefined && arguments.named().containsKey("default")
                ? fallback
                : found;
          };
    } else if (arguments.positional().size() > 1) {
      Arguments others = arguments.rest().rest();
      String filter = PythonText.str(arguments.positional().get(1));
      function = item -> Filters.apply(filter, with(item, others));
    } else {
      throw new JinjaException("map needs a filter or an attribute");
    }
    return new Once(Python.items(value).stream().map(function).iterator());
  }

  private static Arguments with(Object first, Arguments others) {
    List<Object> all = new ArrayList<>(List.of(first));
    all.addAll(others.positional());
    return new Arguments(all, others.named());
  }

  private static Object select(String name, Arguments arguments) {
    Predicate<Object> rule = rule(arguments.rest());
    return kept(arguments, name.equals("select") ? rule : rule.negate());
  }

  private static Object selectAttribute(String name, Arguments arguments) {
    if (arguments.positional().size() < 2) {
      throw new JinjaException(name + " needs an attribute");
    }
    UnaryOperator<Object> getter = getter(arguments.positional().get(1));
    Predicate<Object> test = rule(arguments.rest().rest());
    Predicate<Object> rule = item -> test.test(getter.apply(item));
    return kept(arguments, name.equals("selectattr") ? rule : rule.negate());
  }

  private static Object kept(Arguments arguments, Predicate<Object> rule) {
    return new Once(
        Python.items(arguments.positional().getFirst()).stream().filter(rule).iterator());
  }

  /// The test that the first argument names, or whether a value is true.
  private static Predicate<Object> rule(Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      return Python::truth;
    }
    Object name = arguments.positional().getFirst();
    if (name instanceof Markup || !(name instanceof String test)) {
      throw new JinjaException("a test has no name");
    }
    Arguments others = arguments.rest();
    String known = OPERATORS.getOrDefault(test, test);
    return item -> Tests.test(known, with(item, others));
  }
}
