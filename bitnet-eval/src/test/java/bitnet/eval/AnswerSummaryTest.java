package bitnet.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Figures counted by hand.
class AnswerSummaryTest {
  private static final Optional<AnswerSettings.Correction> CORRECTED = corrected(1);

  private static Optional<AnswerSettings.Correction> corrected(int times) {
    return Optional.of(new AnswerSettings.Correction("Check:", times, 9));
  }

  private static ScoredCompletion attempt(boolean right, double f1) {
    return new ScoredCompletion(right ? "5" : "6", "eos", 4, right, f1, null, null);
  }

  private static AnswerSettings settings(
      int samples, Optional<AnswerSettings.Correction> correction) {
    return new AnswerSettings(
        1,
        samples,
        GenerationSettings.of(9, SamplingSettings.GREEDY.withTemperature(1)),
        false,
        correction);
  }

  private static AnswerSample sample(
      int index, List<ScoredCompletion> first, List<ScoredCompletion> second) {
    return new AnswerSample("run", "m", index, "2+3=", "5", first, second);
  }

  private static ModelResult result(List<AnswerSample> samples, AnswerSettings settings) {
    return new AnswerSummary(samples, settings, 0).of("m");
  }

  private static Map<String, Double> figures(List<AnswerSample> samples, AnswerSettings settings) {
    return result(samples, settings).metrics().stream()
        .collect(Collectors.toMap(Metric::name, Metric::value));
  }

  @Test
  void oneAnswerEachGivesShareRightAndMeanOverlap() {
    ScoredCompletion cut = new ScoredCompletion("six", "length", 9, false, 0, null, null);
    Map<String, Double> figures =
        figures(
            List.of(
                sample(0, List.of(attempt(true, 1)), List.of()),
                sample(1, List.of(attempt(false, 0.5)), List.of()),
                sample(2, List.of(attempt(false, 0.25)), List.of()),
                sample(3, List.of(cut), List.of())),
            settings(1, Optional.empty()));

    assertThat(figures)
        .containsOnly(
            Map.entry("final_answer", 0.25),
            Map.entry("f1", 1.75 / 4),
            Map.entry("tokens", 21.0 / 4),
            Map.entry("cut_off", 0.25));
  }

  @Test
  void secondTriesGiveBothSharesAndWhatMoved() {
    ScoredCompletion right = attempt(true, 1);
    ScoredCompletion wrong = attempt(false, 0);
    List<AnswerSample> samples =
        List.of(
            sample(0, List.of(right), List.of(right)),
            sample(1, List.of(wrong), List.of(right)),
            sample(2, List.of(wrong), List.of(right)),
            sample(3, List.of(right), List.of(wrong)),
            sample(4, List.of(wrong), List.of(wrong)));

    Map<String, Double> figures = figures(samples, settings(1, CORRECTED));

    assertThat(figures)
        .containsEntry("final_answer_t1", 0.4)
        .containsEntry("final_answer_t2", 0.6)
        .containsEntry("incorrect_to_correct", 0.4)
        .containsEntry("correct_to_incorrect", 0.2)
        .containsEntry("f1_t1", 0.4)
        .containsEntry("f1_t2", 0.6);
    assertThat(figures.get("delta")).isCloseTo(0.2, within(1e-12));
  }

  /// Both right 1, first only 1, second only 2, none 1: twice the tail of at most 1 of 3.
  @Test
  void secondTriesAreComparedWithTheFirst() {
    ScoredCompletion right = attempt(true, 1);
    ScoredCompletion wrong = attempt(false, 0);
    List<AnswerSample> samples =
        List.of(
            sample(0, List.of(right), List.of(right)),
            sample(1, List.of(wrong), List.of(right)),
            sample(2, List.of(wrong), List.of(right)),
            sample(3, List.of(right), List.of(wrong)),
            sample(4, List.of(wrong), List.of(wrong)));

    ModelResult result = result(samples, settings(1, CORRECTED));

    assertThat(result.tests())
        .extracting(PairedTest::metric, PairedTest::first, PairedTest::second)
        .containsExactly(tuple("final_answer", "m t1", "m t2"), tuple("f1", "m t1", "m t2"));
    PairedTest test = result.tests().getFirst();
    assertThat(test.difference()).isCloseTo(0.2, within(1e-12));
    assertThat(test.pValue()).isEqualTo(1);
    assertThat(test.test()).isEqualTo("McNemar, exact: 1 only m t1, 2 only m t2");
    EvaluationReport report = EvaluationReport.of("qa", List.of(result));
    assertThat(report.table()).contains("m t2 against m t1\nfinal_answer            +0.2000");
  }

  @ParameterizedTest
  @CsvSource({"0.0625, p = 0.0625", "0.00005, p = 0.0001", "0.000049, p < 0.0001", "NaN, p = ?"})
  void noProbabilityIsPrintedAsZero(double pValue, String shown) {
    PairedTest test = new PairedTest("f1", "a", "b", 0.5, pValue, "t");

    assertThat(new EvaluationReport("qa", List.of(), List.of(test)).table())
        .contains("+0.5000  " + shown + "  (t)");
  }

  @Test
  void sharesHaveWilsonsIntervals() {
    List<Metric> metrics =
        result(
                List.of(sample(0, List.of(attempt(false, 0)), List.of(attempt(false, 0)))),
                settings(1, CORRECTED))
            .metrics();

    assertThat(metrics)
        .filteredOn(metric -> metric.name().matches("final_answer.*|.*correct|cut_off.*"))
        .hasSize(6)
        .extracting(Metric::interval)
        .containsOnly(Interval.wilson(0, 1));
  }

  @Test
  void severalAnswersGiveMeanMajorityAndBest() {
    ScoredCompletion right = attempt(true, 1);
    ScoredCompletion wrong = attempt(false, 0);
    List<AnswerSample> samples =
        List.of(
            sample(0, List.of(right, right, wrong), List.of()),
            sample(1, List.of(wrong, wrong, right), List.of()),
            sample(2, List.of(wrong, wrong, wrong), List.of()));

    Map<String, Double> figures = figures(samples, settings(3, Optional.empty()));

    assertThat(figures.get("final_answer")).isCloseTo(3 / 9.0, within(1e-12));
    assertThat(figures.get("majority")).isCloseTo(1 / 3.0, within(1e-12));
    assertThat(figures.get("pass_at_3")).isEqualTo(2 / 3.0);
    // 1 - C(1, 2) / C(3, 2) = 1, 1 - C(2, 2) / C(3, 2) = 2/3 and 0
    assertThat(figures.get("pass_at_2")).isCloseTo(5 / 9.0, within(1e-12));
    assertThat(figures).doesNotContainKeys("pass_at_1", "pass_at_4");
  }

  /// 1 - C(n - c, k) / C(n, k).
  @ParameterizedTest
  @CsvSource({
    "8, 1, 1, 0.125",
    "8, 1, 4, 0.5",
    "8, 2, 4, 0.7857142857142857", // 1 - 15 / 70
    "8, 5, 4, 1",
    "8, 0, 4, 0",
    "8, 1, 8, 1",
    "200, 3, 100, 0.8768844221105528", // 1 - 100 * 99 * 98 / (200 * 199 * 198)
  })
  void passAtKIsTheEstimateOfChenAndOthers(int count, int right, int k, double expected) {
    List<ScoredCompletion> attempts =
        IntStream.range(0, count).mapToObj(i -> attempt(i < right, 0)).toList();

    assertThat(AnswerSummary.passAt(k, attempts)).isCloseTo(expected, within(1e-12));
  }

  /// Two questions, two first answers each, three corrections of each of these.
  @Test
  void correctionsCountWithTheirOwnFirstAnswer() {
    ScoredCompletion right = attempt(true, 1);
    ScoredCompletion wrong = attempt(false, 0);
    List<AnswerSample> samples =
        List.of(
            sample(0, List.of(right, wrong), List.of(right, right, wrong, right, wrong, wrong)),
            sample(1, List.of(wrong, wrong), List.of(wrong, wrong, wrong, wrong, wrong, right)));

    Map<String, Double> figures = figures(samples, settings(2, corrected(3)));

    Map<String, Double> expected =
        Map.of(
            "final_answer_t1", 1 / 4.0,
            "final_answer_t2", 4 / 12.0,
            "delta", 1 / 12.0,
            "incorrect_to_correct", 2 / 12.0,
            "correct_to_incorrect", 1 / 12.0,
            "pass_at_2_t1", 1 / 2.0,
            // 1 - C(3, 2) / C(6, 2) = 12/15 and 1 - C(5, 2) / C(6, 2) = 5/15
            "pass_at_2_t2", 17 / 30.0,
            "pass_at_6_t2", 1.0);
    expected.forEach(
        (name, value) -> assertThat(figures.get(name)).as(name).isCloseTo(value, within(1e-12)));
    assertThat(figures).doesNotContainKey("pass_at_6_t1");
  }

  /// Differences 1/2, 0 and -1: mean -1/6, t = -0.3780 with 2 degrees of freedom, p = 0.7418.
  @Test
  void oneFirstAnswerIsComparedWithTheMeanOfItsCorrections() {
    ScoredCompletion right = attempt(true, 1);
    ScoredCompletion wrong = attempt(false, 0);
    ModelResult result =
        result(
            List.of(
                sample(0, List.of(wrong), List.of(right, wrong)),
                sample(1, List.of(wrong), List.of(wrong, wrong)),
                sample(2, List.of(right), List.of(wrong, wrong))),
            settings(1, corrected(2)));

    PairedTest test = result.tests().getFirst();
    assertThat(test.metric()).isEqualTo("final_answer");
    assertThat(test.difference()).isCloseTo(-1 / 6.0, within(1e-12));
    assertThat(test.pValue()).isCloseTo(0.7418, within(1e-4));
    assertThat(test.test()).isEqualTo("paired t, 3 records");
  }

  /// The reference is 5; answers are parted by blanks.
  @ParameterizedTest
  @CsvSource({
    "5 6 5, true",
    "6 6 5, false",
    "10/2 5.0 6 6 5, true",
    "6 5, false",
    "5 6, true",
    "_ _ 5, true",
    "_ _, false",
    "x=5 5 6 6 5, true",
    "6 x=5 5, true",
    "6 6 x=5 5.0 10/2, true",
    "500% 5 6 6 6.0 5.0, true",
  })
  void mostAnswersWinAndOfAsManyTheFirst(String answers, boolean right) {
    List<ScoredCompletion> attempts =
        Stream.of(answers.split(" ", -1))
            .map(text -> text.equals("_") ? "" : text)
            .map(
                text ->
                    new ScoredCompletion(
                        text, "eos", 1, text.matches("5|5.0|10/2|x=5|500%"), 0, null, null))
            .toList();

    assertThat(MajorityVote.isRight(attempts)).isEqualTo(right);
  }

  @Test
  void promptsThatDoNotFitAreSaid() {
    ScoredCompletion unread =
        new ScoredCompletion("", ScoredCompletion.TOO_LONG, 0, false, 0, null, null);
    List<AnswerSample> samples =
        List.of(
            sample(0, List.of(unread), List.of(unread)),
            sample(1, List.of(attempt(true, 1)), List.of(unread)));

    assertThat(result(samples, settings(1, CORRECTED)).notes())
        .containsExactly(
            "m: 1 prompts did not fit its context: they count as wrong.",
            "m: 2 corrections did not fit its context: the first answer stays.");
  }

  @Test
  void reasoningIsSummedUpOverTheRecordsThatHaveOne() {
    ScoredCompletion reasoned = new ScoredCompletion("5", "eos", 1, true, 1, 0.5, 0.75);
    AnswerSettings settings =
        new AnswerSettings(
            1, 1, GenerationSettings.of(9, SamplingSettings.GREEDY), true, Optional.empty());

    List<Metric> metrics =
        result(
                List.of(
                    sample(0, List.of(attempt(true, 1)), List.of()),
                    sample(1, List.of(reasoned), List.of())),
                settings)
            .metrics();

    assertThat(metrics)
        .filteredOn(metric -> metric.name().matches("think_f1|step_correctness"))
        .extracting(Metric::value, Metric::count)
        .containsExactly(tuple(0.5, 1L), tuple(0.75, 1L));
  }

  @Test
  void settingsThatCannotBeMeantAreRefused() {
    GenerationSettings greedy = GenerationSettings.of(9, SamplingSettings.GREEDY);

    assertThatThrownBy(() -> new AnswerSettings(0, 1, greedy, false, Optional.empty()))
        .hasMessage("batch_size 0 must be at least 1; use 16");
    assertThatThrownBy(() -> new AnswerSettings(1, 4, greedy, false, Optional.empty()))
        .hasMessage(
            "samples 4 with temperature 0 gives the same answer 4 times; add --temperature 0.8");
    assertThatThrownBy(() -> new AnswerSettings(1, 1, greedy, false, corrected(2)))
        .hasMessage(
            "augmentation_size 2 with temperature 0 gives the same correction 2 times; add --temperature 0.8");
    assertThatThrownBy(() -> new AnswerSettings(1, 0, greedy, false, Optional.empty()))
        .hasMessageContaining("samples 0");
    assertThatThrownBy(() -> corrected(0)).hasMessageContaining("augmentation_size 0");
    assertThatThrownBy(() -> new AnswerSettings.Correction(" ", 1, 4))
        .hasMessageContaining("guiding_prompt is blank");
    assertThatThrownBy(() -> new AnswerSettings.Correction("Check:", 1, 0))
        .hasMessageContaining("second_max_length 0");
  }
}
