package bitnet.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Corrections of the first answers that a GRPO run drew, from its completions log:
/// `{"layer": 1, "query": ..., "completion": ..., "right": ...}`. Other fields are passed over.
public final class CorrectionDataset {
  private static final String SHAPE =
      "{\"layer\": 1, \"query\": ..., \"completion\": ..., \"right\": ...}";

  private final Map<String, QaRecord> questions = new HashMap<>();
  private final String guidingPrompt;
  private final Set<String> seen = new HashSet<>();
  private final List<QaRecord> ofRight = new ArrayList<>();
  private final List<QaRecord> ofWrong = new ArrayList<>();

  private CorrectionDataset(List<QaRecord> questions, String guidingPrompt) {
    questions.forEach(question -> this.questions.putIfAbsent(question.query(), question));
    this.guidingPrompt = guidingPrompt;
  }

  /// One record for each different first answer, as many wrong ones as right ones in turns, in the
  /// order of the log: the query holds the first answer, and answer and reasoning are those of the
  /// question. Empty completions and those of the second layer are left out.
  ///
  /// @param log written by a GRPO run on these questions
  /// @param guidingPrompt asks for the correction, as in [QaTemplate#correctionPrompt]
  /// @throws BadRecordException if the log has no right or no wrong answer, or, unless these are
  ///     skipped, a bad record
  /// @throws IOException if the log cannot be read
  public static List<QaRecord> read(
      Path log, List<QaRecord> questions, String guidingPrompt, BadRecordPolicy policy)
      throws IOException {
    CorrectionDataset dataset = new CorrectionDataset(questions, guidingPrompt);
    BadRecords bad = JsonReader.read(log, policy, SHAPE, dataset::add);
    int pairs = Math.min(dataset.ofRight.size(), dataset.ofWrong.size());
    if (pairs == 0) {
      throw bad.nothing(
          dataset.ofRight.isEmpty() ? "right first answer" : "wrong first answer",
          "corrections need both; use the log of a longer run");
    }
    List<QaRecord> records = new ArrayList<>();
    for (int i = 0; i < pairs; i++) {
      records.add(dataset.ofWrong.get(i));
      records.add(dataset.ofRight.get(i));
    }
    return records;
  }

  private void add(JsonRecord line) throws RecordFault {
    if (line.number("layer") != 1) {
      return;
    }
    String query = line.text("query");
    String first = line.optionalText("completion").orElse("");
    boolean right = line.truth("right");
    QaRecord question = questions.get(query);
    if (question == null) {
      throw new RecordFault(
          "the query \"%s\" is not among the questions".formatted(query),
          "give the questions of the run");
    }
    String correction = QaTemplate.correctionQuery(query, first, guidingPrompt);
    if (!first.isEmpty() && seen.add(correction)) {
      (right ? ofRight : ofWrong)
          .add(new QaRecord(correction, question.answer(), question.reasoning()));
    }
  }
}
