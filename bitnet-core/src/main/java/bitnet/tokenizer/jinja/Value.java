package bitnet.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Values of Python that Java has no class for. Besides these a value is a [Boolean], a [Long], a
/// [Double], a [String], a [List] or a [Map].
public sealed interface Value {

  /// Python's `None`.
  enum None implements Value {
    /// The only one.
    NONE
  }

  /// What a name, a key or an attribute stands for that is not there.
  ///
  /// @param name for messages
  record Undefined(String name) implements Value {}

  /// A tuple.
  record Tuple(List<Object> items) implements Value {}

  /// A view of a dictionary, or a range: has a length and items, and is not a list.
  ///
  /// @param kind Python's name for it, for example `dict_items`
  record View(String kind, List<Object> items) implements Value {}

  /// What can be iterated once, as the result of `map` or `select`.
  record Once(Iterator<?> items) implements Value {}

  /// Text that was escaped for HTML, which Python joins with other text by rules of its own.
  record Markup(String text) implements Value {}

  /// The object of `namespace()`.
  record Namespace(Map<String, Object> attributes) implements Value {
    /// Copies the map.
    public Namespace {
      attributes = new LinkedHashMap<>(attributes);
    }
  }

  /// What a template can call.
  @FunctionalInterface
  non-sealed interface Function extends Value {
    /// Calls it.
    Object call(Arguments arguments);
  }

  /// What has attributes that are computed, as the `loop` of a loop.
  @FunctionalInterface
  non-sealed interface Attributed extends Value {
    /// The attribute of that name, or [Undefined].
    Object attribute(String name);
  }

  /// The arguments of a call.
  record Arguments(List<Object> positional, Map<String, Object> named) {
    /// The argument at a place, or of that name, or the default.
    Object get(int index, String name, Object fallback) {
      if (index < positional.size()) {
        return positional.get(index);
      }
      return named.getOrDefault(name, fallback);
    }

    boolean has(int index, String name) {
      return index < positional.size() || named.containsKey(name);
    }

    /// Refuses what the callee does not know.
    ///
    /// @param names of the parameters, in their order
    void require(String callee, int least, String... names) {
      List<String> known = List.of(names);
      if (positional.size() > known.size()) {
        throw new JinjaException(
            "%s takes at most %d arguments, not %d"
                .formatted(callee, known.size(), positional.size()));
      }
      for (String name : named.keySet()) {
        if (!known.contains(name)) {
          throw JinjaException.unsupported("the argument %s of %s".formatted(name, callee));
        }
        if (known.indexOf(name) < positional.size()) {
          throw new JinjaException("%s gets %s twice".formatted(callee, name));
        }
      }
      for (int i = 0; i < least; i++) {
        if (!has(i, known.get(i))) {
          throw new JinjaException("%s needs the argument %s".formatted(callee, known.get(i)));
        }
      }
    }

    /// Refuses named arguments, and fewer or more positional ones.
    void requirePositional(String callee, int least, int most) {
      if (!named.isEmpty()) {
        throw new JinjaException("%s takes no keyword arguments".formatted(callee));
      }
      if (positional.size() < least || positional.size() > most) {
        throw JinjaException.unsupported(
            "%s with %d arguments".formatted(callee, positional.size()));
      }
    }

    /// These without the first positional one.
    Arguments rest() {
      return new Arguments(positional.subList(1, positional.size()), named);
    }
  }

  /// A list that may be changed, of these values.
  static List<Object> list(Iterable<?> values) {
    List<Object> list = new ArrayList<>();
    values.forEach(list::add);
    return list;
  }
}
