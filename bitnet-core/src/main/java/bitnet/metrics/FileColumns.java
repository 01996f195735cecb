package bitnet.metrics;

import java.util.List;
import java.util.Set;

/// The columns of one CSV file after `step`.
///
/// @param headers their names in the file
/// @param sources the metrics or texts that they hold, in the same order
/// @param texts the names of texts among the sources
record FileColumns(List<String> headers, List<String> sources, Set<String> texts) {

  /// The columns of a file that starts now.
  static FileColumns of(LogColumns columns) {
    return new FileColumns(columns.names(), columns.names(), Set.copyOf(columns.texts()));
  }

  /// The first line of the file, with its line feed.
  String header() {
    return "step," + String.join(",", headers) + "\n";
  }

  /// Whether a field may be in quotes.
  boolean hasTexts() {
    return sources.stream().anyMatch(texts::contains);
  }
}
