package bitnet.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The columns of a [MetricsLog] after `step`: letters, digits and `_ . / -`, all different.
///
/// @param metrics names of the numbers
/// @param texts names of the texts, after the numbers, in the files that are to hold them
/// @param former names of version 0.1.0, by the names of metrics that are called otherwise now
public record LogColumns(List<String> metrics, List<String> texts, Map<String, String> former) {

  /// Checks the names and copies them.
  ///
  /// @throws IllegalArgumentException if a name cannot stand in a CSV header, or is there twice
  public LogColumns {
    metrics = List.copyOf(metrics);
    texts = List.copyOf(texts);
    former = Map.copyOf(former);
    Set<String> seen = new HashSet<>();
    for (String name : joined(metrics, texts)) {
      if (!name.matches("[A-Za-z0-9_./-]+") || name.equals("step")) {
        throw new IllegalArgumentException(
            "metric name \"%s\" is not letters, digits and _ . / -, or is \"step\"; rename it"
                .formatted(name));
      }
      if (!seen.add(name)) {
        throw new IllegalArgumentException(
            "metric name \"%s\" is given twice; rename one".formatted(name));
      }
    }
  }

  /// Numbers only.
  public static LogColumns of(List<String> metrics) {
    return new LogColumns(metrics, List.of(), Map.of());
  }

  /// The columns of a file without texts.
  LogColumns numbers() {
    return new LogColumns(metrics, List.of(), former);
  }

  /// The names in the header of a file, in their order.
  List<String> names() {
    return joined(metrics, texts);
  }

  /// The columns of a file that a version with fewer metrics began: its own, in its order and under
  /// its names, and behind them those that it lacks.
  ///
  /// @param names of the file's columns after `step`
  /// @return empty if a name is none of these columns'
  Optional<FileColumns> continuing(List<String> names) {
    boolean renamed =
        former.values().stream().anyMatch(names::contains) && !names.containsAll(former.keySet());
    Map<String, String> now = new HashMap<>();
    metrics.forEach(
        metric -> now.put(renamed ? former.getOrDefault(metric, metric) : metric, metric));
    if (!renamed) {
      texts.forEach(text -> now.put(text, text));
    }
    if (!now.keySet().containsAll(names)) {
      return Optional.empty();
    }
    List<String> all = new ArrayList<>(names);
    joined(metrics, renamed ? List.of() : texts).stream()
        .map(name -> renamed ? former.getOrDefault(name, name) : name)
        .filter(name -> !names.contains(name))
        .forEach(all::add);
    return Optional.of(
        new FileColumns(all, all.stream().map(now::get).toList(), Set.copyOf(texts)));
  }

  private static List<String> joined(List<String> first, List<String> second) {
    List<String> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }
}
