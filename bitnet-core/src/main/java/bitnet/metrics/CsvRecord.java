package bitnet.metrics;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A row of a CSV file (RFC 4180, but each row ends with a line feed alone). Numbers are written as
/// they are, texts always in quotes, so that a text of digits is told from a number.
///
/// @param text with its line feed, if the row is complete
record CsvRecord(String text) {
  private static final char QUOTE = '"';

  /// The next row, which may be the unfinished last one.
  ///
  /// @param quoted whether fields may be in quotes, where a line feed does not end the row
  /// @return null at the end of the file
  static @Nullable CsvRecord read(BufferedReader in, boolean quoted) throws IOException {
    StringBuilder row = new StringBuilder();
    boolean inside = false;
    for (int next = in.read(); next >= 0; next = in.read()) {
      row.append((char) next);
      inside ^= quoted && next == QUOTE; // of two quotes in a text, the second undoes the first
      if (next == '\n' && !inside) {
        return new CsvRecord(row.toString());
      }
    }
    // a last line feed in quotes must not pass for the end of the row
    return row.isEmpty() ? null : new CsvRecord(row.toString().stripTrailing());
  }

  /// A text as a field.
  static String quoted(String text) {
    return QUOTE + text.replace("\"", "\"\"") + QUOTE;
  }

  /// Whether the row has its end.
  boolean isComplete() {
    return text.endsWith("\n");
  }

  /// The lines of the file that the row takes.
  long lines() {
    return text.chars().filter(character -> character == '\n').count();
  }

  /// The fields as they are written, texts with their quotes.
  List<String> fields() {
    List<String> fields = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    boolean inside = false;
    String row = text.strip();
    for (int i = 0; i < row.length(); i++) {
      char character = row.charAt(i);
      inside ^= character == QUOTE;
      if (character == ',' && !inside) {
        fields.add(field.toString());
        field.setLength(0);
      } else {
        field.append(character);
      }
    }
    fields.add(field.toString());
    return fields;
  }

  /// Whether a field is a text.
  static boolean isText(String field) {
    return field.length() > 1 && field.charAt(0) == QUOTE && field.endsWith("\"");
  }
}
