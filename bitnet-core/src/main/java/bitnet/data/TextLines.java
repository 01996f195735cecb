package bitnet.data;

import java.io.IOException;
import java.io.InputStream;

/// The lines of a file as text, without byte-order mark and line breaks; those that are none are
/// bad records.
final class TextLines {
  /// Advice for text in another encoding.
  static final String CONVERT =
      "convert the file with iconv -f ENCODING -t UTF-8, for example -f WINDOWS-1252";

  /// The longest line that is an example of its own.
  static final int LIMIT = 64 << 20;

  /// Takes a line.
  interface Sink {
    void accept(String line, long number) throws IOException;
  }

  private TextLines() {}

  static void read(InputStream in, BadRecords bad, Sink sink) throws IOException {
    try (LineReader lines = LineReader.whole(in, LIMIT)) {
      while (lines.next()) {
        String text = lines.overlong() ? null : lines.text();
        if (lines.overlong()) {
          bad.add(
              lines.number(),
              "the line is longer than %d MiB".formatted(LIMIT >> 20),
              "break it up");
        } else if (text == null) {
          bad.add(lines.number(), lines.malformation(), CONVERT);
        } else {
          sink.accept(content(text, lines.number()), lines.number());
        }
      }
    }
  }

  private static String content(String text, long number) {
    int start = number == 1 && text.startsWith("\uFEFF") ? 1 : 0;
    int end = text.endsWith("\n") ? text.length() - 1 : text.length();
    return text.substring(start, end > start && text.charAt(end - 1) == '\r' ? end - 1 : end);
  }
}
