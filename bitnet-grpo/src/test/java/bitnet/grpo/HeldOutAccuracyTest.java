package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// What a run does with its accuracy on held-out questions.
class HeldOutAccuracyTest {
  private static final int QUESTIONS = 8;

  @TempDir private Path directory;

  /// Evaluates after each step.
  private static GrpoSettings settings(long steps, KeepBest best, OnRegression reaction) {
    GrpoSettings settings = TinyRun.settings(steps);
    return settings
        .withOptimizer(settings.optimizer().withLearningRate(5e-3))
        .withEvaluation(new GrpoSettings.Evaluation(1, 4, best, reaction, 0));
  }

  private static GrpoSettings worsened(long steps, OnRegression reaction) {
    GrpoSettings settings = settings(steps, KeepBest.NONE, reaction);
    return settings.withUpdate(settings.update().withTargetKl(0));
  }

  /// A reward of right answers that becomes one of wrong answers after five steps, and the steps
  /// whose models were kept.
  private TinyRun risingAndFalling(List<Long> kept) {
    long[] done = {0};
    Reward reward =
        (query, reference, completion) ->
            RewardScore.of(completion.equals("7") == (done[0] < 5) ? 1 : 0);
    return TinyRun.of(directory, reward)
        .withHeldOut(QUESTIONS)
        .withAfterStep(step -> done[0] = step)
        .withBest(model -> kept.add(kept.isEmpty() ? 0 : done[0] + 1));
  }

  /// Accuracy before the first step and after each.
  private static List<Double> sampled(Heard heard) {
    List<Double> sampled = new ArrayList<>(heard.column("eval_sampled"));
    sampled.addFirst(heard.started.getFirst().row().get("eval_sampled"));
    return sampled;
  }

  @Test
  void theModelOfTheHighestAccuracyIsKept() throws IOException {
    List<Long> kept = new ArrayList<>();

    TinyRun.Ended ended =
        risingAndFalling(kept).train(settings(12, KeepBest.EVAL_SAMPLED, OnRegression.WARN));

    List<Double> accuracy = sampled(ended.heard());
    double highest = accuracy.stream().mapToDouble(each -> each).max().orElse(0);
    assertThat(highest).isGreaterThan(accuracy.getFirst()).isGreaterThan(accuracy.getLast());
    assertThat(ended.best()).hasValue(accuracy.lastIndexOf(highest));
    assertThat(kept).startsWith(0L).endsWith((long) accuracy.lastIndexOf(highest));
    for (int i = 1; i < kept.size(); i++) {
      int step = Math.toIntExact(kept.get(i));
      assertThat(accuracy.get(step))
          .isEqualTo(
              accuracy.subList(0, step + 1).stream().mapToDouble(each -> each).max().orElse(0));
    }
  }

  @Test
  void aResumedRunKnowsTheBestOfItsFirstPart() throws IOException {
    GrpoSettings settings = settings(12, KeepBest.EVAL_SAMPLED, OnRegression.WARN);
    OptionalLong best = risingAndFalling(new ArrayList<>()).train(settings).best();
    List<Long> kept = new ArrayList<>(List.of(0L));

    TinyRun.Ended resumed = risingAndFalling(kept).resume(settings, 11);

    assertThat(resumed.best()).isEqualTo(best);
    assertThat(kept).containsExactly(0L);
  }

  @Test
  void nothingIsKeptUnlessAsked() throws IOException {
    List<Long> kept = new ArrayList<>();

    TinyRun.Ended ended =
        risingAndFalling(kept).train(settings(2, KeepBest.NONE, OnRegression.WARN));

    assertThat(kept).isEmpty();
    assertThat(ended.best()).isEmpty();
  }

  @Test
  void aModelThatIsBestAtTheEndIsThatOfTheLastStep() throws IOException {
    TinyRun.Ended ended =
        TinyRun.of(directory, TinyRun.SEVEN)
            .withHeldOut(QUESTIONS)
            .train(settings(8, KeepBest.EVAL_ACCURACY, OnRegression.WARN));

    assertThat(ended.heard().column("eval_accuracy")).containsOnly(1.0);
    assertThat(ended.best()).isEmpty();
  }

  private TinyRun worse() {
    return TinyRun.of(directory, TinyRun.NOT_SEVEN).withHeldOut(QUESTIONS);
  }

  private static final String FALLEN =
      "warning: held-out accuracy has fallen from \\d+\\.\\d% to \\d+\\.\\d%, more than"
          + " chance explains \\(paired t test, 95%\\): ";

  @Test
  void aFallIsWarnedOf() throws IOException {
    TinyRun.Ended ended = worse().train(worsened(12, OnRegression.WARN));

    assertThat(ended.done()).isTrue();
    assertThat(ended.heard().rows).hasSize(12);
    assertThat(ended.heard().noticed)
        .hasSize(12)
        .allSatisfy(
            line ->
                assertThat(line)
                    .matches(
                        FALLEN + "use a lower --lr, --target_kl 0.05 or more questions per step"));
    assertThat(ended.heard().column("lr")).containsOnly(5e-3);
  }

  @Test
  void aFallHalvesTheRateForTheRestOfTheRun() throws IOException {
    GrpoSettings settings = worsened(12, OnRegression.HALVE);
    TinyRun.Ended ended = worse().train(settings);

    int warnings = ended.heard().noticed.size();
    assertThat(warnings).isPositive();
    assertThat(ended.heard().noticed)
        .allSatisfy(line -> assertThat(line).matches(FALLEN + "the learning rate is halved"));
    List<Double> rates = ended.heard().column("lr");
    int lower = 0;
    for (int step = 1; step < rates.size(); step++) {
      assertThat(rates.get(step)).isIn(rates.get(step - 1), rates.get(step - 1) / 2);
      lower += rates.get(step) < rates.get(step - 1) ? 1 : 0;
    }
    assertThat(lower).isEqualTo(Math.min(warnings, 10)); // not below 1/1024

    TinyRun.Ended resumed = worse().resume(settings, 11);
    assertThat(resumed.heard().rows).isEqualTo(ended.heard().rows.subList(11, 12));
  }

  @Test
  void aFallEndsTheRunWhichIsThenDone() throws IOException {
    GrpoSettings settings = worsened(12, OnRegression.STOP);
    TinyRun.Ended ended = worse().train(settings);

    int steps = ended.heard().rows.size();
    assertThat(ended.done()).isTrue();
    assertThat(steps).isLessThan(12);
    assertThat(ended.heard().noticed)
        .singleElement()
        .asString()
        .matches(FALLEN + "the run ends here");

    TinyRun.Ended resumed = worse().resume(settings, steps);
    assertThat(resumed.done()).isTrue();
    assertThat(resumed.heard().rows).isEmpty();
    assertThat(resumed.weights()).usingRecursiveComparison().isEqualTo(ended.weights());
  }

  @ParameterizedTest
  @EnumSource(OnRegression.class)
  void whereAccuracyDoesNotFallNothingHappens(OnRegression reaction) throws IOException {
    GrpoSettings settings = worsened(4, reaction);
    TinyRun.Ended ended =
        TinyRun.of(directory, TinyRun.SEVEN)
            .withHeldOut(QUESTIONS)
            .train(settings.withOptimizer(settings.optimizer().withLearningRate(1e-4)));

    assertThat(ended.heard().noticed).isEmpty();
    assertThat(ended.heard().rows).hasSize(4);
  }

  @Test
  void sampledAccuracyHasItsStandardErrorOverQuestions() throws IOException {
    TinyRun.Ended ended =
        TinyRun.of(directory, TinyRun.SEVEN)
            .withHeldOut(QUESTIONS)
            .train(worsened(1, OnRegression.WARN));

    // shares are multiples of a quarter with mean m: their standard deviation is at most
    // sqrt(m (1 - m) 8 / 7), and about sqrt(m (1 - m) / 4)
    var row = ended.heard().started.getFirst().row();
    double mean = row.getOrDefault("eval_sampled", Double.NaN);
    assertThat(mean).isBetween(0.2, 0.8);
    double binomial = Math.sqrt(mean * (1 - mean) / 4 / QUESTIONS);
    assertThat(row.get("eval_sampled_se")).isBetween(0.4 * binomial, 2.1 * binomial);
    assertThat(row).containsEntry("eval_accuracy", 1.0);
  }

  /// 256 sampled answers, of which half are right: three standard deviations are 9.4%.
  @Test
  void theStartIsJudgedOnTrainingQuestions() throws IOException {
    List<String> noticed = start(256, TinyRun.SEVEN).heard().noticed;

    assertThat(noticed)
        .first()
        .asString()
        .matches(
            "start: (4[1-9]|5\\d)\\.\\d% right when sampled, 100.0% with greedy decoding, [0-9]% of"
                + " the groups without a spread of rewards");
  }

  /// Groups without a spread where all completions have the same reward.
  @Test
  void aStartWithNothingToCompareIsWarnedOf() throws IOException {
    Reward equal = (query, reference, completion) -> RewardScore.of(1);

    assertThat(start(64, equal).heard().noticed)
        .hasSize(2)
        .first()
        .asString()
        .endsWith("100% of the groups without a spread of rewards");
  }

  private TinyRun.Ended start(int answers, Reward reward) throws IOException {
    return TinyRun.of(directory, reward)
        .train(
            TinyRun.settings(2)
                .withEvaluation(
                    new GrpoSettings.Evaluation(0, 4, KeepBest.NONE, OnRegression.WARN, answers)));
  }

  @Test
  void judgingTheStartDoesNotChangeTheNumbersOfTheRun() throws IOException {
    TinyRun.Ended judged = start(64, TinyRun.SEVEN);
    TinyRun.Ended plain = start(0, TinyRun.SEVEN);

    assertThat(plain.heard().noticed).isEmpty();
    assertThat(judged.heard().rows).isEqualTo(plain.heard().rows);
    assertThat(judged.weights()).usingRecursiveComparison().isEqualTo(plain.weights());
  }

  @Test
  void aResumedRunIsNotJudgedAgain() throws IOException {
    GrpoSettings settings =
        TinyRun.settings(2)
            .withEvaluation(
                new GrpoSettings.Evaluation(0, 4, KeepBest.NONE, OnRegression.WARN, 16));
    TinyRun run = TinyRun.of(directory, TinyRun.SEVEN);

    assertThat(run.train(settings).heard().noticed).isNotEmpty();
    assertThat(run.resume(settings, 1).heard().noticed).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "0.5, 0.9, 0.1, ''",
    "0.2, 0.4, 0.4, ''",
    "0.19, 0.1, 0, seldom right",
    "0.45, 0.91, 0, less than half as often",
    "0.5, 0.9, 0.41, nothing to compare",
    "0.1, 0.9, 0.9, seldom right",
  })
  void aStartIsWarnedOfByItsFigures(double sampled, double greedy, double uniform, String warning) {
    List<String> lines = new StartJudgement(sampled, greedy, uniform).lines();

    assertThat(lines.getFirst())
        .isEqualTo(
            "start: %.1f%% right when sampled, %.1f%% with greedy decoding, %.0f%% of the groups"
                    .formatted(100 * sampled, 100 * greedy, 100 * uniform)
                + " without a spread of rewards");
    assertThat(lines).hasSize(warning.isEmpty() ? 1 : 2);
    assertThat(lines.getLast()).contains(warning);
  }
}
