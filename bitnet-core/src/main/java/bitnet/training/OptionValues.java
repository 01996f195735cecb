package bitnet.training;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The options that determine the numbers of a run, by name: written to its checkpoints, and
/// compared when the run is resumed. Threads are not among them, so that a run may move to another
/// machine; with another number of them sums are taken in another order, and the last bits differ.
public final class OptionValues {
  private final Map<String, String> values = new LinkedHashMap<>();
  private final Map<String, String> defaults = new HashMap<>();
  private final Set<String> contents = new TreeSet<>();

  /// Sets an option that every checkpoint has.
  public OptionValues put(String name, Object value) {
    values.put(name, text(value));
    return this;
  }

  /// Sets an option that earlier versions did not have: their checkpoints count as having the
  /// default.
  public OptionValues put(String name, Object value, Object byDefault) {
    defaults.put(name, text(byDefault));
    return put(name, value);
  }

  /// Sets the digest of a content, which is compared with checkpoints that have one.
  ///
  /// @param digest "" if the run does not depend on it: then nothing is compared
  public OptionValues putContent(String name, String digest) {
    contents.add(name);
    return put(name, digest);
  }

  /// Sets all options of another set.
  public OptionValues putAll(OptionValues more) {
    values.putAll(more.values);
    defaults.putAll(more.defaults);
    contents.addAll(more.contents);
    return this;
  }

  /// The values by name, in the order in which they were set.
  public Map<String, String> values() {
    return Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /// The options that differ from those of a checkpoint: `lr was 1e-3, now 2e-3`.
  public List<String> differences(Map<String, String> saved) {
    List<String> differences = new ArrayList<>();
    values.forEach(
        (name, now) -> {
          String then = saved.getOrDefault(name, defaults.get(name));
          if (contents.contains(name)) {
            boolean known = then != null && !then.isEmpty() && !now.isEmpty();
            if (known && !now.equals(then)) {
              differences.add("the content of %s has changed".formatted(name));
            }
          } else if (!now.equals(then)) {
            differences.add("%s was %s, now %s".formatted(name, shown(then), now));
          }
        });
    saved.forEach(
        (name, then) -> {
          if (!values.containsKey(name)) {
            differences.add("%s was %s, now not set".formatted(name, then));
          }
        });
    return differences;
  }

  private static String shown(@Nullable String value) {
    return value == null ? "not set" : value;
  }

  /// A value as it is written: numbers as people write them.
  public static String text(Object value) {
    return value instanceof Double number ? number(number) : value.toString();
  }

  /// A number as people write it: `0.9`, `1e-3`, `3e-5`, `4`.
  private static String number(double value) {
    if (!Double.isFinite(value) || value == 0) {
      return value == 0 ? "0" : Double.toString(value);
    }
    BigDecimal exact = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = exact.precision() - exact.scale() - 1;
    if (exponent >= -2 && exponent <= 6) {
      return exact.toPlainString();
    }
    return exact.movePointLeft(exponent).toPlainString() + "e" + exponent;
  }
}
