package bitnet.data;

import bitnet.storage.TextInput;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads the documents of a corpus, one at a time: plain texts without questions, answers or
/// conversations.
///
/// @param format null to tell it from each file, see [TextFormat#detect(TextInput)]
/// @param textField the field of a record that holds its text
/// @param badRecords what to do with those
public record DocumentReader(
    @Nullable TextFormat format, String textField, BadRecordPolicy badRecords)
    implements Serializable {

  /// Takes documents.
  @FunctionalInterface
  public interface Sink {
    /// Takes the next one.
    void accept(String text) throws IOException;
  }

  /// What was read from a file.
  ///
  /// @param documents taken
  /// @param bytes of them in UTF-8
  /// @param skipped records left out
  /// @param firstReasons why, for the first few of these: `file:line: reason`
  public record Report(long documents, long bytes, long skipped, List<String> firstReasons) {

    /// Copies the list.
    public Report {
      firstReasons = List.copyOf(firstReasons);
    }
  }

  /// Whether a document is a whole file.
  public boolean wholeFiles() {
    return format == TextFormat.DOCUMENT;
  }

  /// Reads a file to its end.
  ///
  /// @throws BadRecordException at the first bad record, unless these are skipped
  /// @throws IOException if it cannot be read
  public Report read(Path file, Sink sink) throws IOException {
    BadRecords bad = new BadRecords(file, badRecords);
    Counting counting = new Counting(sink);
    JsonReader json =
        new JsonReader(
            bad,
            "{\"%s\": ...}".formatted(textField),
            record ->
                counting.accept(
                    record.text(
                        textField,
                        "add or rename the field, or name another one with text_field")));
    try (TextInput in = TextInput.openData(file)) {
      switch (TextFormat.of(in, format)) {
        case LINES -> TextLines.read(in.stream(), bad, line(counting, bad));
        case DOCUMENT -> readWhole(in.stream(), counting, bad);
        case JSONL -> json.readLines(in.stream());
        case JSON -> json.readArray(in.stream());
      }
    }
    return new Report(counting.documents, counting.bytes, bad.skipped(), bad.firstReasons());
  }

  private static TextLines.Sink line(Sink sink, BadRecords bad) {
    return (text, number) -> {
      if (text.isBlank()) {
        bad.add(
            number,
            "the line is empty",
            "delete it, read each file as one text with text_format document");
      } else {
        sink.accept(text);
      }
    };
  }

  private static void readWhole(InputStream in, Sink sink, BadRecords bad) throws IOException {
    StringBuilder text = new StringBuilder();
    try (LineReader lines = LineReader.split(in, 1 << 20)) {
      while (lines.next() && text.length() <= TextLines.LIMIT) {
        String line = lines.text();
        if (line == null) {
          bad.add(lines.number(), lines.malformation(), TextLines.CONVERT);
        } else {
          text.append(line);
        }
      }
    }
    if (text.length() > TextLines.LIMIT) {
      bad.add(
          1,
          "the text is longer than %d Mi characters".formatted(TextLines.LIMIT >> 20),
          "break it up");
    } else if (text.toString().isBlank()) {
      bad.add(1, "the file has no text", "delete it");
    } else {
      sink.accept(text.toString());
    }
  }

  /// Counts what it hands on.
  private static final class Counting implements Sink {
    private final Sink sink;
    private long documents;
    private long bytes;

    Counting(Sink sink) {
      this.sink = sink;
    }

    @Override
    public void accept(String text) throws IOException {
      sink.accept(text);
      documents++;
      bytes += text.getBytes(StandardCharsets.UTF_8).length;
    }
  }
}
