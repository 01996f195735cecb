package bitnet.metrics;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Metrics by step, written to any number of CSV files and to TensorBoard event files; some CSV
/// files also hold texts.
///
/// Every row is handed to the operating system at once: a killed process loses none.
public final class MetricsLog implements Closeable {
  private final LogColumns columns;
  private final List<CsvLog> tables;
  private final @Nullable TensorBoardLog tensorBoard;

  private MetricsLog(
      LogColumns columns, List<CsvLog> tables, @Nullable TensorBoardLog tensorBoard) {
    this.columns = columns;
    this.tables = List.copyOf(tables);
    this.tensorBoard = tensorBoard;
  }

  /// Where a log is written. A file that is named twice is written once, as the first says.
  ///
  /// @param numbers CSV files of the metrics
  /// @param all CSV files of metrics and texts
  /// @param tensorBoard the directory of event files, which hold the metrics, or null for none
  public record Places(List<Path> numbers, List<Path> all, @Nullable Path tensorBoard) {

    /// Copies the lists.
    public Places {
      numbers = List.copyOf(numbers);
      all = List.copyOf(all);
    }
  }

  /// Opens the log of a run that has done `doneSteps` steps.
  ///
  /// What an earlier process wrote about later steps, or only half wrote, is cut from the CSV
  /// files and declared void to TensorBoard, so that no step appears twice. A CSV file of version
  /// 0.1.0 keeps its columns.
  ///
  /// @throws IOException if a file cannot be written, or a CSV file is not a log of these columns
  public static MetricsLog open(LogColumns columns, Places places, long doneSteps)
      throws IOException {
    SequencedMap<Path, LogColumns> files = new LinkedHashMap<>();
    places.numbers().forEach(file -> files.putIfAbsent(whole(file), columns.numbers()));
    places.all().forEach(file -> files.putIfAbsent(whole(file), columns));
    List<CsvLog> tables = new ArrayList<>();
    try {
      for (Map.Entry<Path, LogColumns> file : files.entrySet()) {
        tables.add(CsvLog.open(file.getKey(), file.getValue(), doneSteps));
      }
      Path directory = places.tensorBoard();
      return new MetricsLog(
          columns, tables, directory == null ? null : TensorBoardLog.open(directory, doneSteps));
    } catch (IOException failure) {
      for (CsvLog table : tables) {
        table.close();
      }
      throw failure;
    }
  }

  private static Path whole(Path path) {
    return path.toAbsolutePath().normalize();
  }

  /// Writes a row.
  ///
  /// @param step steps done; rises from row to row
  /// @param values by metric; one that is absent stays blank
  /// @param texts by column; one that is absent stays blank
  /// @throws IllegalArgumentException if a column has not been named on opening
  public void write(long step, Map<String, Double> values, Map<String, String> texts)
      throws IOException {
    requireNamed(values.keySet(), columns.metrics());
    requireNamed(texts.keySet(), columns.texts());
    for (CsvLog table : tables) {
      table.write(step, values, texts);
    }
    if (tensorBoard != null) {
      tensorBoard.write(step, values);
    }
  }

  private static void requireNamed(Set<String> names, List<String> columns) {
    for (String name : names) {
      if (!columns.contains(name)) {
        throw new IllegalArgumentException(
            "metric \"%s\" is not one of %s; name it when the log is opened"
                .formatted(name, columns));
      }
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
