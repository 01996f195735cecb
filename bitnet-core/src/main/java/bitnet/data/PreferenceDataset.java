package bitnet.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;

/// Preferences: a JSON array or JSONL of pairs `{"query", "chosen", "rejected"}` or of labels
/// `{"query", "answer", "label"}`, the label a number from 0 to 1. Other fields are passed over.
///
/// @param records in the order of the file
/// @param summary one line for people, more where records were skipped
public record PreferenceDataset(List<PreferenceRecord> records, String summary) {
  private static final String SHAPE =
      "{\"query\": ..., \"chosen\": ..., \"rejected\": ...} or"
          + " {\"query\": ..., \"answer\": ..., \"label\": 1}";

  /// Copies the list.
  public PreferenceDataset {
    records = List.copyOf(records);
  }

  /// Reads and checks a file: an array if it starts with `[`, else one object a line.
  ///
  /// @throws BadRecordException if it has no record, or, unless these are skipped, a bad one
  /// @throws IOException if it cannot be read
  public static PreferenceDataset load(Path file, BadRecordPolicy policy) throws IOException {
    List<PreferenceRecord> records = new ArrayList<>();
    BadRecords bad =
        JsonReader.read(file, policy, SHAPE, record -> records.add(preference(record)));
    if (records.isEmpty()) {
      throw bad.nothing("record", "give records like " + SHAPE);
    }
    String summary =
        String.format(Locale.ROOT, "%,d records", records.size())
            + DataReport.skippedText(bad.skipped(), bad.firstReasons());
    return new PreferenceDataset(records, summary);
  }

  private static PreferenceRecord preference(JsonRecord record) throws RecordFault {
    String query = record.text("query");
    if (record.has("chosen") || record.has("rejected")) {
      return new PreferenceRecord.Pair(query, record.text("chosen"), record.text("rejected"));
    }
    String answer =
        record.text("answer", "write \"chosen\" and \"rejected\", or \"answer\" and \"label\"");
    double label = record.number("label");
    if (!(label >= 0 && label <= 1)) {
      throw new RecordFault(
          "the field \"label\" is %s".formatted(label), "write a number from 0 to 1");
    }
    return new PreferenceRecord.Label(query, answer, label);
  }

  /// Parts the records; those of one question stay together, so that nothing held out was seen.
  ///
  /// @param evalFraction the share of questions to hold out, from 0 to below 1; above 0 at least
  ///     one is held out and one is not
  /// @param seed selects them
  /// @throws IllegalArgumentException if the fraction is out of range or there is one question only
  public Split split(double evalFraction, long seed) {
    if (!(evalFraction >= 0 && evalFraction < 1)) {
      throw new IllegalArgumentException(
          "eval_fraction %s is not from 0 to below 1; use 0.1".formatted(evalFraction));
    }
    List<String> queries =
        new ArrayList<>(records.stream().map(PreferenceRecord::query).distinct().toList());
    if (evalFraction > 0 && queries.size() < 2) {
      throw new IllegalArgumentException(
          "the data have one question only, so none can be held out; give more, or eval_fraction 0");
    }
    Collections.shuffle(queries, new Random(seed));
    long rounded = Math.round(evalFraction * queries.size());
    int count = evalFraction == 0 ? 0 : Math.clamp(rounded, 1, queries.size() - 1);
    Set<String> out = Set.copyOf(queries.subList(0, count));
    return new Split(
        records.stream().filter(record -> !out.contains(record.query())).toList(),
        records.stream().filter(record -> out.contains(record.query())).toList());
  }

  /// The two parts of the records.
  ///
  /// @param training what a model learns from
  /// @param heldOut what it never sees in training; may be empty
  public record Split(List<PreferenceRecord> training, List<PreferenceRecord> heldOut) {

    /// Copies the lists.
    public Split {
      training = List.copyOf(training);
      heldOut = List.copyOf(heldOut);
    }
  }
}
