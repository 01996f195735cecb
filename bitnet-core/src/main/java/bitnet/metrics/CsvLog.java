package bitnet.metrics;

import bitnet.storage.GrowingFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// A CSV file with a row for each step, `step` first.
final class CsvLog implements Closeable {
  private final GrowingFile file;
  private final LogColumns columns;

  private CsvLog(GrowingFile file, LogColumns columns) {
    this.file = file;
    this.columns = columns;
  }

  /// Opens a file to continue after `doneSteps`; see [MetricsLog#open].
  static CsvLog open(Path path, LogColumns columns, long doneSteps) throws IOException {
    CsvHistory kept =
        Files.exists(path) ? CsvHistory.of(path, columns, doneSteps) : new CsvHistory(0, columns);
    GrowingFile file = GrowingFile.open(path, kept.bytes());
    try {
      CsvLog log = new CsvLog(file, kept.columns());
      if (kept.bytes() == 0) {
        log.append(columns.header());
      }
      return log;
    } catch (IOException failure) {
      file.close();
      throw failure;
    }
  }

  void write(long step, Map<String, Double> values, Map<String, String> texts) throws IOException {
    StringBuilder row = new StringBuilder().append(step);
    for (String metric : columns.metrics()) {
      Double value = values.get(metric);
      row.append(',').append(value == null ? "" : value.toString());
    }
    for (String name : columns.texts()) {
      String text = texts.get(name);
      row.append(',').append(text == null ? "" : CsvRecord.quoted(text));
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
