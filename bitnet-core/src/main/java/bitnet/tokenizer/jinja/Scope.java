package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Undefined;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Names and what they stand for. A name that is set in a loop, a macro or a block is gone after
/// it; what stands outside is seen inside.
final class Scope {
  private final Optional<Scope> outer;
  private final Map<String, Object> values = new HashMap<>();

  private Scope(Optional<Scope> outer) {
    this.outer = outer;
  }

  static Scope of(Map<String, Object> values) {
    Scope scope = new Scope(Optional.empty());
    scope.values.putAll(values);
    return scope;
  }

  Scope inner() {
    return new Scope(Optional.of(this));
  }

  void set(String name, Object value) {
    values.put(name, value);
  }

  Object get(String name) {
    for (Optional<Scope> scope = Optional.of(this); scope.isPresent(); scope = scope.get().outer) {
      Object value = scope.get().values.get(name);
      if (value != null) {
        return value;
      }
    }
    return new Undefined(name);
  }
}
