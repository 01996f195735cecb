package bitnet.data;

import bitnet.storage.TextInput;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/// Reads the JSON records of a file, one at a time.
final class JsonReader {
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(TextLines.LIMIT).build())
          .build();

  /// Takes a record, or refuses it.
  interface Sink {
    void accept(JsonRecord record) throws IOException, RecordFault;
  }

  private final BadRecords bad;
  private final String shape;
  private final Sink sink;

  /// @param bad gets the records that cannot be used
  /// @param shape what a record looks like: `{"text": ...}`
  JsonReader(BadRecords bad, String shape, Sink sink) {
    this.bad = bad;
    this.shape = shape;
    this.sink = sink;
  }

  /// Reads a dataset's files or a pipe, once: an array if it starts with `[`, else one object a
  /// line.
  ///
  /// @return the records that could not be used
  static BadRecords read(Path dataset, BadRecordPolicy policy, String shape, Sink sink)
      throws IOException {
    BadRecords bad = new BadRecords(dataset, policy);
    JsonReader reader = new JsonReader(bad, shape, sink);
    for (Path file : DataFiles.of(dataset)) {
      bad.enter(file);
      try (TextInput in = TextInput.openData(file)) {
        if (in.firstCharacter() == '[') {
          reader.readArray(in.stream());
        } else {
          reader.readLines(in.stream());
        }
      }
    }
    return bad;
  }

  /// Reads one object a line.
  void readLines(InputStream in) throws IOException {
    TextLines.read(in, bad, this::readLine);
  }

  private void readLine(String text, long number) throws IOException {
    if (text.isBlank()) {
      bad.add(number, "the line is empty", "delete it");
      return;
    }
    try (JsonParser parser = JSON.createParser(text)) {
      parser.nextToken();
      JsonRecord record = JsonRecord.read(parser, shape);
      if (parser.nextToken() != null) {
        throw new RecordFault("something follows the object on its line", "put it on its own line");
      }
      sink.accept(record);
    } catch (RecordFault fault) {
      bad.add(number, fault.reason(), fault.remedy());
    } catch (JsonProcessingException failure) {
      bad.add(number, "not JSON: " + reason(failure), "write one JSON object on each line");
    }
  }

  /// Reads one array of objects.
  ///
  /// @throws BadRecordException whatever the policy, where it stops being JSON
  void readArray(InputStream in) throws IOException {
    try (JsonParser parser = JSON.createParser(in)) {
      if (parser.nextToken() != JsonToken.START_ARRAY) {
        throw bad.unreadable(
            1,
            "not a JSON array",
            "write [%s, ...], or one object a line in a .jsonl file".formatted(shape));
      }
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        readElement(parser);
      }
      if (parser.nextToken() != null) {
        throw bad.unreadable(
            parser.currentTokenLocation().getLineNr(),
            "something follows the array",
            "make the file one array, or a .jsonl file with one object a line");
      }
    } catch (JsonProcessingException failure) {
      throw bad.unreadable(
          failure.getLocation() == null ? 1 : failure.getLocation().getLineNr(),
          "not JSON: " + reason(failure),
          "the rest of an array cannot be read after that, so mend it or use JSONL");
    }
  }

  private void readElement(JsonParser parser) throws IOException {
    long line = parser.currentTokenLocation().getLineNr();
    try {
      sink.accept(JsonRecord.read(parser, shape));
    } catch (RecordFault fault) {
      bad.add(line, fault.reason(), fault.remedy());
    }
  }

  private static String reason(JsonProcessingException failure) {
    String column =
        failure.getLocation() == null
            ? ""
            : " (column " + failure.getLocation().getColumnNr() + ")";
    return failure.getOriginalMessage().lines().findFirst().orElse("") + column;
  }
}
