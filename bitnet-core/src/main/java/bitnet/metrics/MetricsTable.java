package bitnet.metrics;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What a [MetricsLog] wrote to a CSV file.
///
/// @param metrics the names of the columns after `step`, of texts too
/// @param rows in the order of their steps
public record MetricsTable(List<String> metrics, List<Row> rows) {

  /// Copies the lists.
  public MetricsTable {
    metrics = List.copyOf(metrics);
    rows = List.copyOf(rows);
  }

  /// A step of a run.
  ///
  /// @param step steps done
  /// @param values of the metrics, in their order; blank ones and texts are NaN
  public record Row(long step, double[] values) {}

  /// A value of a metric.
  ///
  /// @param step steps done
  /// @param value finite
  public record Point(long step, double value) {}

  /// Reads a file, which may still be written to: a last line without its end is left out.
  ///
  /// @throws IOException if it is missing, not a metrics log or damaged, with the line number
  public static MetricsTable read(Path file) throws IOException {
    // only texts have bytes that are not ASCII; elsewhere such a byte makes an invalid number
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      CsvRecord header = CsvRecord.read(in, false);
      if (header == null || !header.text().startsWith("step,") || !header.isComplete()) {
        throw new IOException(
            "%s:1: not a metrics log, which starts with \"step,\"; name a run or a csv_log file"
                .formatted(file));
      }
      List<String> metrics = header.fields().subList(1, header.fields().size());
      List<Row> rows = new ArrayList<>();
      long number = 2;
      CsvRecord record = CsvRecord.read(in, true);
      while (record != null && record.isComplete()) {
        Row row = row(file, number, record.fields(), metrics.size());
        if (!rows.isEmpty() && row.step <= rows.getLast().step) {
          throw damaged(
              file, number, "step %d follows step %d".formatted(row.step, rows.getLast().step));
        }
        rows.add(row);
        number += record.lines();
        record = CsvRecord.read(in, true);
      }
      return new MetricsTable(metrics, rows);
    }
  }

  private static Row row(Path file, long number, List<String> fields, int metrics)
      throws IOException {
    if (fields.size() != 1 + metrics) {
      throw damaged(file, number, "%d values under %d names".formatted(fields.size(), 1 + metrics));
    }
    double[] values = new double[metrics];
    for (int i = 0; i < metrics; i++) {
      String field = fields.get(i + 1);
      boolean blank = field.isEmpty() || CsvRecord.isText(field);
      values[i] = blank ? Double.NaN : number(file, number, field);
    }
    double step = number(file, number, fields.getFirst());
    if (step != Math.rint(step)) {
      throw damaged(file, number, "\"%s\" is not a step number".formatted(fields.getFirst()));
    }
    return new Row((long) step, values);
  }

  private static double number(Path file, long number, String field) throws IOException {
    try {
      double value = Double.parseDouble(field);
      // NaN means a blank field; a stored NaN counts as not finite, like infinity
      return Double.isNaN(value) ? Double.POSITIVE_INFINITY : value;
    } catch (NumberFormatException failure) {
      IOException damage = damaged(file, number, "\"%s\" is not a number".formatted(field));
      damage.initCause(failure);
      throw damage;
    }
  }

  private static IOException damaged(Path file, long number, String what) {
    return new IOException(
        "%s:%d: %s; the log is damaged, so restore it or remove the line"
            .formatted(file, number, what));
  }

  /// Whether the metric has a column.
  public boolean has(String metric) {
    return metrics.contains(metric);
  }

  /// The finite values of a metric; empty if the column does not exist.
  public List<Point> points(String metric) {
    int column = metrics.indexOf(metric);
    return column < 0
        ? List.of()
        : rows.stream()
            .filter(row -> Double.isFinite(row.values[column]))
            .map(row -> new Point(row.step, row.values[column]))
            .toList();
  }

  /// How many values of a metric are infinite or not numbers.
  public long notFinite(String metric) {
    int column = metrics.indexOf(metric);
    return column < 0
        ? 0
        : rows.stream().filter(row -> Double.isInfinite(row.values[column])).count();
  }
}
