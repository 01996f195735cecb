package bitnet.data;

import java.util.List;
import java.util.Locale;

/// What was read from a training file.
///
/// @param examples examples kept
/// @param tokens tokens they gave, separators included
/// @param bytes UTF-8 bytes of the text kept, without separators
/// @param skipped records left out
/// @param firstReasons why, for the first few of these: `file:line: reason`
/// @param lengths of the examples
public record DataReport(
    long examples,
    long tokens,
    long bytes,
    long skipped,
    List<String> firstReasons,
    RecordLengths lengths) {

  /// Copies the list.
  public DataReport {
    firstReasons = List.copyOf(firstReasons);
  }

  /// One line for people, and one more for each of the first skipped records.
  public String summary() {
    return String.format(
            Locale.ROOT, "%,d examples, %,d tokens, %,d bytes", examples, tokens, bytes)
        + skippedText(skipped, firstReasons);
  }

  /// What a summary says of records that were left out; nothing if there are none.
  static String skippedText(long skipped, List<String> firstReasons) {
    if (skipped == 0) {
      return "";
    }
    StringBuilder lines =
        new StringBuilder(String.format(Locale.ROOT, "; %,d bad records skipped", skipped));
    firstReasons.forEach(reason -> lines.append("\n  ").append(reason));
    if (skipped > firstReasons.size()) {
      lines.append("\n  ...");
    }
    return lines.toString();
  }
}
