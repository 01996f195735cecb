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
  private final FileColumns columns;

  private CsvLog(GrowingFile file, FileColumns columns) {
    this.file = file;
    this.columns = columns;
  }

  /// Opens a file to continue after `doneSteps`; see [MetricsLog#open].
  static CsvLog open(Path path, LogColumns columns, long doneSteps) throws IOException {
    CsvHistory kept =
        Files.exists(path)
            ? CsvHistory.of(path, columns, doneSteps)
            : new CsvHistory(0, FileColumns.of(columns));
    GrowingFile file = GrowingFile.open(path, kept.bytes());
    try {
      CsvLog log = new CsvLog(file, kept.columns());
      if (kept.bytes() == 0) {
        log.append(kept.columns().header());
      }
      return log;
    } catch (IOException failure) {
      file.close();
      throw failure;
    }
  }

  void write(long step, Map<String, Double> values, Map<String, String> texts) throws IOException {
    StringBuilder row = new StringBuilder().append(step);
    for (String source : columns.sources()) {
      row.append(',');
      if (columns.texts().contains(source)) {
        String text = texts.get(source);
        row.append(text == null ? "" : CsvRecord.quoted(text));
      } else {
        Double value = values.get(source);
        row.append(value == null ? "" : value.toString());
      }
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
