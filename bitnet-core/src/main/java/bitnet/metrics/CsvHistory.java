package bitnet.metrics;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The part of an existing CSV log that a resumed run keeps.
final class CsvHistory {
  private CsvHistory() {}

  /// The bytes at the start of the file that hold the header and the rows up to `doneSteps`.
  ///
  /// @return 0 if the file is to start again
  /// @throws IOException if it is not a metrics log, has other columns, or has a damaged row
  static long keptBytes(Path file, String header, long doneSteps) throws IOException {
    // one byte is one character: lengths in the file are lengths of the strings
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      String first = line(in);
      if (first == null || (header.startsWith(first) && !header.equals(first))) {
        return 0; // empty, or killed while the header was written
      }
      if (!first.startsWith("step,")) {
        throw new IOException(
            "%s:1: not a metrics log, which starts with \"step,\"; move it elsewhere or choose another csv_log"
                .formatted(file));
      }
      if (doneSteps == 0) {
        return 0;
      }
      if (!first.equals(header)) {
        throw new IOException(
            "%s:1: the columns are not those of this run (%s); move it elsewhere or choose another csv_log"
                .formatted(file, header.strip()));
      }
      return first.length() + keptRows(file, in, doneSteps);
    }
  }

  private static long keptRows(Path file, BufferedReader in, long doneSteps) throws IOException {
    long bytes = 0;
    long number = 2;
    for (String row = line(in); row != null && row.endsWith("\n"); row = line(in)) {
      if (step(file, row, number++) > doneSteps) {
        return bytes;
      }
      bytes += row.length();
    }
    return bytes;
  }

  private static long step(Path file, String row, long number) throws IOException {
    int comma = row.indexOf(',');
    try {
      return Long.parseLong(row, 0, Math.max(comma, 0), 10);
    } catch (NumberFormatException failure) {
      throw new IOException(
          "%s:%d: the row does not start with a step; move it elsewhere or choose another csv_log"
              .formatted(file, number),
          failure);
    }
  }

  /// The next line with its line feed, where it has one.
  static @Nullable String line(BufferedReader in) throws IOException {
    StringBuilder line = new StringBuilder();
    int next = in.read();
    while (next >= 0) {
      line.append((char) next);
      if (next == '\n') {
        break;
      }
      next = in.read();
    }
    return line.isEmpty() ? null : line.toString();
  }
}
