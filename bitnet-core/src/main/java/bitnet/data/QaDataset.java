package bitnet.data;

import bitnet.storage.AtomicFile;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Questions with answers: a JSON array or JSONL, in UTF-8, of
/// `{"query": ..., "answer": ..., "reasoning"?: ...}`. Other fields are passed over.
public final class QaDataset {
  private static final String SHAPE = "{\"query\": ..., \"answer\": ...}";
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final List<QaRecord> records;
  private final long skipped;
  private final List<String> firstReasons;

  /// Reads one record of a file.
  interface Layout {
    QaRecord read(JsonRecord record) throws RecordFault;
  }

  private QaDataset(List<QaRecord> records, BadRecords bad) {
    this.records = List.copyOf(records);
    this.skipped = bad.skipped();
    this.firstReasons = bad.firstReasons();
  }

  /// Reads and checks a file: an array if it starts with `[`, else one object a line.
  ///
  /// @throws BadRecordException if it has no record, or, unless these are skipped, a bad one
  /// @throws IOException if it cannot be read
  public static QaDataset load(Path file, BadRecordPolicy policy) throws IOException {
    return load(file, policy, SHAPE, QaDataset::plain);
  }

  static QaDataset load(Path file, BadRecordPolicy policy, String shape, Layout layout)
      throws IOException {
    List<QaRecord> records = new ArrayList<>();
    BadRecords bad =
        JsonReader.read(file, policy, shape, record -> records.add(layout.read(record)));
    if (records.isEmpty()) {
      throw bad.nothing("record", "give records like " + shape);
    }
    return new QaDataset(records, bad);
  }

  /// The layout of this toolkit's own files.
  static QaRecord plain(JsonRecord record) throws RecordFault {
    return new QaRecord(
        record.text("query"), record.text("answer"), record.optionalText("reasoning"));
  }

  /// Writes records as JSONL, in their order; the file appears complete or not at all.
  public static void write(Path file, List<QaRecord> records) throws IOException {
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    for (QaRecord record : records) {
      ObjectNode line =
          MAPPER.createObjectNode().put("query", record.query()).put("answer", record.answer());
      record.reasoning().ifPresent(way -> line.put("reasoning", way));
      lines.writeBytes((line + "\n").getBytes(StandardCharsets.UTF_8));
    }
    AtomicFile.write(file, lines.toByteArray());
  }

  /// The records, in the order of the file.
  public List<QaRecord> records() {
    return records;
  }

  /// How many records were left out.
  public long skipped() {
    return skipped;
  }

  /// Why, for the first few of these: `file:line: reason`.
  public List<String> firstReasons() {
    return firstReasons;
  }

  /// One line for people, and one more for each of the first skipped records.
  public String summary() {
    return String.format(Locale.ROOT, "%,d records", records.size())
        + DataReport.skippedText(skipped, firstReasons);
  }
}
