package bitnet.metrics;

import bitnet.storage.GrowingFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// A CSV file with a row for each step, `step` first.
final class CsvLog implements Closeable {
  private final GrowingFile file;
  private final List<String> metrics;

  private CsvLog(GrowingFile file, List<String> metrics) {
    this.file = file;
    this.metrics = List.copyOf(metrics);
  }

  /// Opens a file to continue after `doneSteps`; see [MetricsLog#open].
  static CsvLog open(Path path, List<String> metrics, long doneSteps) throws IOException {
    String header = "step," + String.join(",", metrics) + "\n";
    long kept = Files.exists(path) ? CsvHistory.keptBytes(path, header, doneSteps) : 0;
    GrowingFile file = GrowingFile.open(path, kept);
    try {
      CsvLog log = new CsvLog(file, metrics);
      if (kept == 0) {
        log.append(header);
      }
      return log;
    } catch (IOException failure) {
      file.close();
      throw failure;
    }
  }

  void write(long step, Map<String, Double> values) throws IOException {
    StringBuilder row = new StringBuilder().append(step);
    for (String metric : metrics) {
      Double value = values.get(metric);
      row.append(',').append(value == null ? "" : value.toString());
    }
    append(row.append('\n').toString());
  }

  private void append(String text) throws IOException {
    file.append(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
