package bitnet.metrics;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Metrics by step, written to any number of CSV files and to TensorBoard event files.
///
/// Every row is handed to the operating system at once: a killed process loses none.
public final class MetricsLog implements Closeable {
  private final List<String> metrics;
  private final List<CsvLog> tables;
  private final @Nullable TensorBoardLog tensorBoard;

  private MetricsLog(
      List<String> metrics, List<CsvLog> tables, @Nullable TensorBoardLog tensorBoard) {
    this.metrics = List.copyOf(metrics);
    this.tables = List.copyOf(tables);
    this.tensorBoard = tensorBoard;
  }

  /// Opens the log of a run that has done `doneSteps` steps.
  ///
  /// What an earlier process wrote about later steps, or only half wrote, is cut from the CSV
  /// files and declared void to TensorBoard, so that no step appears twice.
  ///
  /// @param metrics names of the columns after `step`
  /// @param csv the CSV files; one that is named twice is written once
  /// @param tensorBoard the directory of event files, or null for none
  /// @throws IOException if a file cannot be written, or a CSV file is not a log of these columns
  /// @throws IllegalArgumentException if a name cannot stand in a CSV header
  public static MetricsLog open(
      List<String> metrics, List<Path> csv, @Nullable Path tensorBoard, long doneSteps)
      throws IOException {
    for (String name : metrics) {
      if (!name.matches("[A-Za-z0-9_./-]+") || name.equals("step")) {
        throw new IllegalArgumentException(
            "metric name \"%s\" is not letters, digits and _ . / -, or is \"step\"; rename it"
                .formatted(name));
      }
    }
    List<CsvLog> tables = new ArrayList<>();
    try {
      for (Path file :
          csv.stream().map(path -> path.toAbsolutePath().normalize()).distinct().toList()) {
        tables.add(CsvLog.open(file, metrics, doneSteps));
      }
      TensorBoardLog events =
          tensorBoard == null ? null : TensorBoardLog.open(tensorBoard, doneSteps);
      return new MetricsLog(metrics, tables, events);
    } catch (IOException failure) {
      for (CsvLog table : tables) {
        table.close();
      }
      throw failure;
    }
  }

  /// Writes a row.
  ///
  /// @param step steps done; rises from row to row
  /// @param values by metric; one that is absent stays blank
  /// @throws IllegalArgumentException if a metric has not been named on opening
  public void write(long step, Map<String, Double> values) throws IOException {
    for (String name : values.keySet()) {
      if (!metrics.contains(name)) {
        throw new IllegalArgumentException(
            "metric \"%s\" is not one of %s; name it when the log is opened"
                .formatted(name, metrics));
      }
    }
    for (CsvLog table : tables) {
      table.write(step, values);
    }
    if (tensorBoard != null) {
      tensorBoard.write(step, values);
    }
  }

  @Override
  public void close() throws IOException {
    try (tensorBoard) {
      for (CsvLog table : tables) {
        table.close();
      }
    }
  }
}
