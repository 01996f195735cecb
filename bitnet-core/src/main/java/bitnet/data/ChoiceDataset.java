package bitnet.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/// Multiple-choice questions as published, JSONL or a JSON array: ARC (arXiv 1803.05457; with
/// `choices` as `{"text": [...], "label": [...]}` or as a list in a `question` object) and
/// HellaSwag (arXiv 1905.07830). Prompts are put as EleutherAI's lm-evaluation-harness puts them.
public final class ChoiceDataset {
  private static final String SHAPE =
      "{\"question\": ..., \"choices\": {\"text\": [...], \"label\": [...]}, \"answerKey\": ...} or"
          + " {\"ctx\": ..., \"endings\": [...], \"label\": 0}";
  private static final Pattern BRACKETS = Pattern.compile("\\[.*?]", Pattern.UNIX_LINES);
  private static final String ANSWER_KEY = "answerKey";

  private final List<ChoiceRecord> records;
  private final BadRecords bad;

  private ChoiceDataset(List<ChoiceRecord> records, BadRecords bad) {
    this.records = List.copyOf(records);
    this.bad = bad;
  }

  /// Reads and checks a file.
  ///
  /// @throws BadRecordException if it has no record, or, unless these are skipped, a bad one
  /// @throws IOException if it cannot be read
  public static ChoiceDataset load(Path file, BadRecordPolicy policy) throws IOException {
    List<ChoiceRecord> records = new ArrayList<>();
    BadRecords bad = JsonReader.read(file, policy, SHAPE, record -> records.add(read(record)));
    if (records.isEmpty()) {
      throw bad.nothing("record", "give records like " + SHAPE);
    }
    return new ChoiceDataset(records, bad);
  }

  private static ChoiceRecord read(JsonRecord record) throws RecordFault {
    return record.has("endings") ? hellaSwag(record) : arc(record);
  }

  private static ChoiceRecord arc(JsonRecord record) throws RecordFault {
    JsonNode question = record.any("question");
    List<String> texts = new ArrayList<>();
    List<String> labels = new ArrayList<>();
    if (question.isObject()) {
      for (JsonNode choice : question.path("choices")) {
        texts.add(choice.path("text").asText());
        labels.add(choice.path("label").asText());
      }
    } else {
      JsonNode choices = record.any("choices");
      texts.addAll(JsonRecord.texts("choices.text", choices.path("text")));
      labels.addAll(JsonRecord.texts("choices.label", choices.path("label")));
    }
    String key = record.text(ANSWER_KEY);
    int right = labels.indexOf(key);
    if (right < 0 || texts.size() != labels.size()) {
      throw new RecordFault(
          "the field \"%s\" is \"%s\", but the labels of %d choices are %s"
              .formatted(ANSWER_KEY, key, texts.size(), labels),
          "name one of the choices");
    }
    String asked = question.isObject() ? question.path("stem").asText() : record.text("question");
    return record("Question: " + asked + "\nAnswer:", texts, right);
  }

  private static ChoiceRecord hellaSwag(JsonRecord record) throws RecordFault {
    List<String> endings =
        record.texts("endings").stream().map(ChoiceDataset::withoutMarks).toList();
    String label = record.any("label").asText();
    if (!label.matches("\\d{1,3}")) {
      throw new RecordFault(
          "the field \"label\" is \"%s\", not the number of an ending".formatted(label),
          "take a part of the set that has labels");
    }
    String context =
        record.has("ctx_a")
            ? record.text("ctx_a")
                + " "
                + record.optionalText("ctx_b").map(ChoiceDataset::capitalized).orElse("")
            : record.text("ctx");
    String activity = record.optionalText("activity_label").map(it -> it + ": ").orElse("");
    return record(withoutMarks(activity + context), endings, Integer.parseInt(label));
  }

  private static ChoiceRecord record(String prompt, List<String> choices, int right)
      throws RecordFault {
    try {
      return new ChoiceRecord(prompt, choices, right);
    } catch (IllegalArgumentException fault) {
      throw new RecordFault(String.valueOf(fault.getMessage()), "mend or delete the record");
    }
  }

  /// As Python's `capitalize`: the first character becomes titlecase, the rest small.
  private static String capitalized(String text) {
    int end = text.offsetByCodePoints(0, 1);
    String first = text.substring(0, end);
    String upper = first.toUpperCase(Locale.ROOT);
    int rest = upper.offsetByCodePoints(0, 1);
    String title =
        rest == upper.length()
            ? Character.toString(Character.toTitleCase(first.codePointAt(0)))
            : upper.substring(0, rest) + upper.substring(rest).toLowerCase(Locale.ROOT); // ß: Ss
    // small as a whole, since a sigma at the end of a word is another letter
    String small = text.toLowerCase(Locale.ROOT);
    return title + small.substring(first.toLowerCase(Locale.ROOT).length());
  }

  /// Without what is left of WikiHow's headings.
  private static String withoutMarks(String text) {
    String plain = ChoiceRecord.strip(text).replace(" [title]", ". ");
    return BRACKETS.matcher(plain).replaceAll("").replace("  ", " ");
  }

  /// The records, in the order of the file.
  public List<ChoiceRecord> records() {
    return records;
  }

  /// One line for people, and one more for each of the first skipped records.
  public String summary() {
    return String.format(Locale.ROOT, "%,d records", records.size())
        + DataReport.skippedText(bad.skipped(), bad.firstReasons());
  }
}
