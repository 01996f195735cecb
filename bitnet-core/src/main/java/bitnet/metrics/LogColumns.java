package bitnet.metrics;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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

  /// The first line of a file, with its line feed.
  String header() {
    return header(joined(metrics, texts));
  }

  /// The first line of a file that version 0.1.0 wrote, with its line feed.
  String formerHeader() {
    return header(metrics.stream().map(name -> former.getOrDefault(name, name)).toList());
  }

  private static String header(List<String> names) {
    return "step," + String.join(",", names) + "\n";
  }

  private static List<String> joined(List<String> first, List<String> second) {
    List<String> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }
}
