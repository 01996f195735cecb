package bitnet.data;

import bitnet.tokenizer.ChatTemplate;
import java.io.IOException;
import java.io.InputStream;

/// Reads the examples of a text into a [ExampleTokenizer], one at a time.
final class TextReader {
  private static final int DOCUMENT_PART = 1 << 20;

  private final InputStream in;
  private final ExampleTokenizer intake;
  private final BadRecords bad;

  TextReader(InputStream in, ExampleTokenizer intake, BadRecords bad) {
    this.in = in;
    this.intake = intake;
    this.bad = bad;
  }

  /// Reads the text to its end.
  ///
  /// @param template what writes conversations
  /// @throws BadRecordException at the first bad record, unless these are skipped
  void read(TextFormat format, ChatTemplate template) throws IOException {
    JsonReader json =
        new JsonReader(
            bad, JsonExample.SHAPE, record -> intake.addExample(JsonExample.of(record, template)));
    switch (format) {
      case LINES -> TextLines.read(in, bad, this::readLine);
      case DOCUMENT -> readDocument();
      case JSONL -> json.readLines(in);
      case JSON -> json.readArray(in);
    }
  }

  private void readLine(String text, long number) throws IOException {
    if (text.isBlank()) {
      bad.add(
          number,
          "the line is empty",
          "delete it, read the whole file as one text with text_format document");
    } else {
      intake.addExample(text);
    }
  }

  private void readDocument() throws IOException {
    try (LineReader lines = LineReader.split(in, DOCUMENT_PART)) {
      while (lines.next()) {
        String text = lines.text();
        if (text == null) {
          bad.add(lines.number(), lines.malformation(), TextLines.CONVERT);
        } else {
          intake.append(text);
        }
      }
    }
    intake.endExample();
  }
}
