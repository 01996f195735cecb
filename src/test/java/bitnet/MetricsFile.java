package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a `--csv_log` file holds.
///
/// @param columns their names
/// @param rows of as many values; texts without their quotes
record MetricsFile(List<String> columns, List<List<String>> rows) {
  private static final Pattern FIELD =
      Pattern.compile("(?:\"((?:[^\"]|\"\")*)\"|([^,\n\"]*))([,\n])");

  /// Reads a file, leaving out a last row that is not complete.
  static MetricsFile read(Path file) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    List<String> row = new ArrayList<>();
    Matcher field = FIELD.matcher(Files.readString(file, UTF_8));
    while (field.lookingAt()) {
      String text = field.group(1);
      row.add(text == null ? field.group(2) : text.replace("\"\"", "\""));
      if (field.group(3).equals("\n")) {
        rows.add(row);
        row = new ArrayList<>();
      }
      field.region(field.end(), field.regionEnd());
    }
    return rows.isEmpty()
        ? new MetricsFile(List.of(), List.of())
        : new MetricsFile(rows.getFirst(), rows.subList(1, rows.size()));
  }

  /// The values of a column; blank where a step has none.
  List<String> column(String name) {
    int index = columns.indexOf(name);
    if (index < 0) {
      throw new AssertionError("no column %s among %s".formatted(name, columns));
    }
    return rows.stream().map(row -> row.get(index)).toList();
  }
}
