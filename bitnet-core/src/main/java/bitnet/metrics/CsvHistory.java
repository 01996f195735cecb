package bitnet.metrics;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// The part of an existing CSV log that a resumed run keeps.
///
/// @param bytes at the start of the file that hold the header and the rows up to the resumed step;
///     0 if the file is to start again
/// @param columns of the file: those of the run, or without texts where version 0.1.0 wrote it
record CsvHistory(long bytes, LogColumns columns) {

  /// Reads a file.
  ///
  /// @throws IOException if it is not a metrics log, has other columns, or has a damaged row
  static CsvHistory of(Path file, LogColumns columns, long doneSteps) throws IOException {
    CsvHistory nothing = new CsvHistory(0, columns);
    String header = columns.header();
    // one byte is one character: lengths in the file are lengths of the strings
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      CsvRecord record = CsvRecord.read(in, false);
      String first = record == null ? "" : record.text();
      if (header.startsWith(first) && !header.equals(first)) {
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
      boolean former = first.equals(columns.formerHeader());
      if (!former && !first.equals(header)) {
        throw new IOException(
            "%s:1: the columns are not those of this run (%s); move it elsewhere or choose another csv_log"
                .formatted(file, header.strip()));
      }
      LogColumns own = former ? columns.numbers() : columns;
      return new CsvHistory(
          first.length() + keptRows(file, in, doneSteps, !own.texts().isEmpty()), own);
    }
  }

  private static long keptRows(Path file, BufferedReader in, long doneSteps, boolean texts)
      throws IOException {
    long bytes = 0;
    long line = 2;
    CsvRecord row = CsvRecord.read(in, texts);
    while (row != null && row.isComplete() && step(file, row.text(), line) <= doneSteps) {
      bytes += row.text().length();
      line += row.lines();
      row = CsvRecord.read(in, texts);
    }
    return bytes;
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
