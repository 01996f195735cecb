package bitnet.metrics;

import bitnet.storage.AtomicFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The part of an existing CSV log that a resumed run keeps.
///
/// @param bytes at the start of the file that hold the header and the rows up to the resumed step;
///     0 if the file is to start again
/// @param columns of the file: those of the run, in another order where a version with fewer
///     metrics began it
record CsvHistory(long bytes, FileColumns columns) {

  /// Reads a file. One that an earlier version began gets the columns that it lacks.
  ///
  /// @throws IOException if it is not a metrics log, has other columns, or has a damaged row
  static CsvHistory of(Path file, LogColumns columns, long doneSteps) throws IOException {
    FileColumns own = FileColumns.of(columns);
    CsvHistory nothing = new CsvHistory(0, own);
    // one byte is one character: lengths in the file are lengths of the strings
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      CsvRecord record = CsvRecord.read(in, false);
      String first = record == null ? "" : record.text();
      if (own.header().startsWith(first) && !own.header().equals(first)) {
        return nothing; // empty, or killed while the header was written
      }
      if (!first.startsWith("step,")) {
        throw new IOException(
            "%s:1: not a metrics log, which starts with \"step,\"; move it elsewhere or choose another csv_log"
                .formatted(file));
      }
      if (doneSteps == 0) {
        return nothing;
      }
      if (first.equals(own.header())) {
        return new CsvHistory(first.length() + keptRows(file, in, doneSteps, own).length(), own);
      }
      List<String> names = List.of(first.strip().split(",", -1)).stream().skip(1).toList();
      Optional<FileColumns> continued = columns.continuing(names);
      if (continued.isEmpty()) {
        throw new IOException(
            "%s:1: the columns are not those of this run (%s); move it elsewhere or choose another csv_log"
                .formatted(file, own.header().strip()));
      }
      FileColumns all = continued.get();
      String rows = keptRows(file, in, doneSteps, all);
      return new CsvHistory(widen(file, rows, all, all.headers().size() - names.size()), all);
    }
  }

  /// Writes the header of all columns, and behind each row blanks for those that are new.
  ///
  /// @return the length of the file
  private static long widen(Path file, String rows, FileColumns columns, int added)
      throws IOException {
    StringBuilder content = new StringBuilder(columns.header());
    try (BufferedReader in = new BufferedReader(new StringReader(rows))) {
      CsvRecord row = CsvRecord.read(in, columns.hasTexts());
      while (row != null) {
        content.append(row.text(), 0, row.text().length() - 1).repeat(",", added).append('\n');
        row = CsvRecord.read(in, columns.hasTexts());
      }
    }
    AtomicFile.write(file, content.toString().getBytes(StandardCharsets.ISO_8859_1));
    return content.length();
  }

  private static String keptRows(Path file, BufferedReader in, long doneSteps, FileColumns columns)
      throws IOException {
    StringBuilder rows = new StringBuilder();
    long line = 2;
    CsvRecord row = CsvRecord.read(in, columns.hasTexts());
    while (row != null && row.isComplete() && step(file, row.text(), line) <= doneSteps) {
      rows.append(row.text());
      line += row.lines();
      row = CsvRecord.read(in, columns.hasTexts());
    }
    return rows.toString();
  }

  private static long step(Path file, String row, long line) throws IOException {
    int comma = row.indexOf(',');
    try {
      return Long.parseLong(row, 0, Math.max(comma, 0), 10);
    } catch (NumberFormatException failure) {
      throw new IOException(
          "%s:%d: the row does not start with a step; move it elsewhere or choose another csv_log"
              .formatted(file, line),
          failure);
    }
  }
}
