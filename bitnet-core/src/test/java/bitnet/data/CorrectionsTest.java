package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Records whose query holds a question, a first answer and a guiding prompt.
class CorrectionsTest {
  private static final String GUIDE = " again {query}";

  @TempDir private Path directory;

  private static List<QaRecord> questions() {
    return IntStream.range(0, 1000)
        .mapToObj(i -> new QaRecord(i + "+1=", String.valueOf(i + 1), Optional.of("count")))
        .toList();
  }

  /// The first answer in the query of a record.
  private static String firstAnswer(QaRecord record) {
    String query = record.query();
    return query.substring(
        query.indexOf("<think>count</think>") + 20, query.lastIndexOf("</think>"));
  }

  @Test
  void everyFourthQuestionBecomesACorrectionOfAnAnswerWithItsReasoning() {
    List<QaRecord> records = new MistakeTask(4, 0, GUIDE, 0).records(questions());

    assertThat(records).hasSize(250);
    assertThat(records.getFirst())
        .isEqualTo(
            new QaRecord(
                "3+1=<think><think>count</think>4</think> again 3+1=", "4", Optional.of("count")));
    assertThat(QaTemplate.prompt(records.getFirst().query()))
        .isEqualTo(QaTemplate.correctionPrompt("3+1=", "<think>count</think>4", GUIDE));
  }

  @Test
  void wrongFirstAnswersHaveOneOtherDigitAndTheShareThatWasAskedFor() {
    List<QaRecord> records = new MistakeTask(1, 0.3, GUIDE, 7).records(questions());

    List<QaRecord> wrong =
        records.stream().filter(record -> !firstAnswer(record).equals(record.answer())).toList();
    assertThat(wrong).hasSizeBetween(255, 345); // three deviations of a binomial share
    assertThat(wrong)
        .allSatisfy(
            record -> {
              String first = firstAnswer(record);
              assertThat(first).matches("\\d+").hasSameSizeAs(record.answer());
              assertThat(
                      IntStream.range(0, first.length())
                          .filter(i -> first.charAt(i) != record.answer().charAt(i)))
                  .hasSize(1);
            });
  }

  @Test
  void aSeedSelectsTheMistakes() {
    MistakeTask task = new MistakeTask(1, 0.5, GUIDE, 1);

    assertThat(task.records(questions())).isEqualTo(task.records(questions()));
    assertThat(task.records(questions()))
        .isNotEqualTo(new MistakeTask(1, 0.5, GUIDE, 2).records(questions()));
  }

  @Test
  void whatCannotBeChangedIsRefused() {
    List<QaRecord> words = List.of(new QaRecord("Who?", "nobody", Optional.empty()));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MistakeTask(1, 1, GUIDE, 0).records(words))
        .withMessageContaining("answer \"nobody\" has no digit");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MistakeTask(2, 1, GUIDE, 0).records(words))
        .withMessageContaining("every 2 is more than the 1 questions");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MistakeTask(0, 1, GUIDE, 0))
        .withMessageContaining("every 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MistakeTask(1, Double.NaN, GUIDE, 0))
        .withMessageContaining("probability NaN");
  }

  private static String line(int layer, String query, String completion, boolean right) {
    return """
        {"step":1,"layer":%d,"query":"%s","reference":"?","first":"","completion":"%s","right":%b}
        """
        .formatted(layer, query, completion, right);
  }

  private List<QaRecord> corrections(String... lines) throws IOException {
    Path log = Files.writeString(directory.resolve("log.jsonl"), String.join("", lines));
    return CorrectionDataset.read(log, questions(), GUIDE, BadRecordPolicy.STOP);
  }

  @Test
  void aLogGivesAsManyWrongFirstAnswersAsRightOnesAndNoneTwice() throws IOException {
    List<QaRecord> records =
        corrections(
            line(1, "1+1=", "2", true),
            line(1, "1+1=", "3", false),
            line(1, "1+1=", "3", false),
            line(1, "2+1=", "", false),
            line(2, "2+1=", "9", false),
            line(1, "2+1=", "4", false),
            line(1, "3+1=", "4", true),
            line(1, "4+1=", "5", true));

    assertThat(records)
        .containsExactly(
            new QaRecord("1+1=<think>3</think> again 1+1=", "2", Optional.of("count")),
            new QaRecord("1+1=<think>2</think> again 1+1=", "2", Optional.of("count")),
            new QaRecord("2+1=<think>4</think> again 2+1=", "3", Optional.of("count")),
            new QaRecord("3+1=<think>4</think> again 3+1=", "4", Optional.of("count")));
  }

  @Test
  void aLogWithoutBothKindsOrOfOtherQuestionsIsRefused() {
    assertThatThrownBy(() -> corrections(line(1, "1+1=", "3", false)))
        .isInstanceOf(BadRecordException.class)
        .hasMessageContaining("holds no right first answer; corrections need both");
    assertThatThrownBy(() -> corrections(line(1, "1+1=", "2", true)))
        .hasMessageContaining("holds no wrong first answer");
    assertThatThrownBy(() -> corrections(line(1, "7*7=", "49", true)))
        .hasMessageContaining("log.jsonl:1: the query \"7*7=\" is not among the questions");
    assertThatThrownBy(() -> corrections("{\"layer\":1,\"query\":\"1+1=\",\"right\":\"yes\"}"))
        .hasMessageContaining("the field \"right\" is a string, not true or false");
  }
}
