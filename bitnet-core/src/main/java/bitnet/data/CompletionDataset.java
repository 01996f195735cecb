package bitnet.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Completions with their questions: a JSON array or JSONL of `{"query", "answer", "completion"}`,
/// or of `{"query", "reference", "completion"}` as the log of a GRPO run has them. Other fields are
/// kept.
///
/// @param records in the order of the file
/// @param summary one line for people, more where records were skipped
public record CompletionDataset(List<ReferencedCompletion> records, String summary) {
  private static final String SHAPE = "{\"query\": ..., \"answer\": ..., \"completion\": ...}";

  /// Copies the list.
  public CompletionDataset {
    records = List.copyOf(records);
  }

  /// Reads and checks a file: an array if it starts with `[`, else one object a line.
  ///
  /// @throws BadRecordException if it has no record, or, unless these are skipped, a bad one
  /// @throws IOException if it cannot be read
  public static CompletionDataset load(Path file, BadRecordPolicy policy) throws IOException {
    List<ReferencedCompletion> records = new ArrayList<>();
    BadRecords bad = JsonReader.read(file, policy, SHAPE, record -> records.add(read(record)));
    if (records.isEmpty()) {
      throw bad.nothing("record", "give records like " + SHAPE);
    }
    String summary =
        String.format(Locale.ROOT, "%,d records", records.size())
            + DataReport.skippedText(bad.skipped(), bad.firstReasons());
    return new CompletionDataset(records, summary);
  }

  private static ReferencedCompletion read(JsonRecord record) throws RecordFault {
    String answer = !record.has("answer") && record.has("reference") ? "reference" : "answer";
    String completion =
        record.has("completion")
            ? record.optionalText("completion").orElse("")
            : record.text("completion");
    return new ReferencedCompletion(
        record.text("query"), record.text(answer), completion, record.object());
  }
}
