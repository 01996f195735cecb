package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// How the learning rate follows the divergence of the steps, and what is remembered of held-out
/// evaluations.
class RunControlTest {
  private static final double RATE = 0.02;

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({
    "1, 0.21, 0.5", // above twice the target of 0.1
    "1, 0.2, 1",
    "0.25, 0.05, 0.25",
    "0.25, 0.049, 0.5", // below half of it
    "1, 0.049, 1", // not above the schedule
    "0.0009765625, 5, 0.0009765625", // not below 1/1024
    "1, Infinity, 0.5",
    "0.5, NaN, 0.5",
  })
  void theFactorIsHalvedAboveTwiceTheTargetAndDoubledBelowHalf(
      double before, double divergence, double after) {
    assertThat(new RateControl(before, 1).after(divergence, 0.1))
        .isEqualTo(new RateControl(after, 1));
    assertThat(new RateControl(before, 1).after(divergence, 0))
        .isEqualTo(new RateControl(before, 1));
  }

  @Test
  void aRateThatWasHalvedForGoodStaysBelowItsCeiling() {
    RateControl halved = RateControl.START.halved();

    assertThat(halved).isEqualTo(new RateControl(0.5, 0.5));
    assertThat(halved.after(0, 0.1)).isEqualTo(halved);
    assertThat(new RateControl(0.125, 1).halved()).isEqualTo(new RateControl(0.125, 0.5));
    RateControl often = RateControl.START;
    for (int i = 0; i < 20; i++) {
      often = often.halved();
    }
    assertThat(often).isEqualTo(new RateControl(1.0 / 1024, 1.0 / 1024));
  }

  /// Three changes of -0.5 among eight: mean -0.1875, standard deviation 0.2588, standard error
  /// 0.0915, so that t is -2.05; four make -2.65. The quantile for 7 degrees of freedom is 2.365.
  @Test
  void accuracyHasFallenWhereAPairedTTestSaysSo() {
    HeldOutHistory eight =
        HeldOutHistory.NONE.withStart(new double[] {0.5, 1, 1, 0.5, 0, 1, 1, 0.5});

    assertThat(eight.hasFallen(new double[] {0, 0.5, 0.5, 0.5, 0, 1, 1, 0.5})).isFalse();
    assertThat(eight.hasFallen(new double[] {0, 0.5, 0.5, 0, 0, 1, 1, 0.5})).isTrue();
    assertThat(eight.hasFallen(new double[] {1, 1, 1, 1, 1, 1, 1, 1})).isFalse();
    assertThat(eight.hasFallen(new double[] {0.5, 1, 1, 0.5, 0, 1, 1, 0.5})).isFalse();
  }

  @Test
  void fiveQuestionsThatAllFallAreNoEvidenceAndSixAre() {
    HeldOutHistory five = HeldOutHistory.NONE.withStart(new double[] {1, 1, 1, 1, 1});
    HeldOutHistory six = HeldOutHistory.NONE.withStart(new double[] {1, 1, 1, 1, 1, 1});

    assertThat(five.hasFallen(new double[] {0, 0, 0, 0, 0})).isFalse();
    assertThat(six.hasFallen(new double[] {0, 0, 0, 0, 0, 0})).isTrue();
  }

  @Test
  void nothingHasFallenWithoutAStartOrWithAnotherNumberOfQuestions() {
    assertThat(HeldOutHistory.NONE.hasFallen(new double[] {0, 0})).isFalse();
    HeldOutHistory six = HeldOutHistory.NONE.withStart(new double[] {1, 1, 1, 1, 1, 1});
    assertThat(six.hasFallen(new double[] {0, 0, 0, 0, 0, 0, 0})).isFalse();
    assertThat(HeldOutHistory.NONE.withStart(new double[] {1}).hasFallen(new double[] {0}))
        .isFalse();
  }

  private static GrpoSettings settings(long steps, double targetKl) {
    GrpoSettings settings = TinyRun.settings(steps);
    return settings
        .withOptimizer(settings.optimizer().withLearningRate(RATE))
        .withUpdate(settings.update().withTargetKl(targetKl));
  }

  @Test
  void aResumedRunKeepsItsTargetAndThoseOfFormerVersionsHaveNone() {
    assertThat(GrpoSettings.Update.targetKl(Map.of())).isEqualTo(GrpoSettings.Update.TARGET_KL);
    assertThat(GrpoSettings.Update.targetKl(Map.of("target_kl", "0.05"))).isEqualTo(0.05);
    assertThat(GrpoSettings.Update.targetKl(Map.of("lr", "3e-5"))).isZero();
    assertThat(GrpoSettings.defaults(1).update().targetKl())
        .isEqualTo(GrpoSettings.Update.TARGET_KL);
  }

  /// The rule once more, on the divergences that the run logged.
  @Test
  void theLearningRateFollowsTheDivergenceOfEachStep() throws IOException {
    Heard heard = TinyRun.of(directory, TinyRun.SEVEN).train(settings(25, 0.01)).heard();

    double factor = 1;
    List<Double> expected = new ArrayList<>();
    int halved = 0;
    int doubled = 0;
    for (var row : heard.rows) {
      expected.add(RATE * factor);
      Double divergence = row.get("step_kl");
      if (divergence != null && divergence > 0.02) {
        factor /= 2;
        halved++;
      } else if (divergence != null && divergence < 0.005 && factor < 1) {
        factor *= 2;
        doubled++;
      }
    }
    assertThat(heard.column("lr")).isEqualTo(expected);
    assertThat(halved).isPositive();
    assertThat(doubled).isPositive();
  }

  @Test
  void withoutATargetTheRateIsThatOfTheSchedule() throws IOException {
    Heard heard = TinyRun.of(directory, TinyRun.SEVEN).train(settings(3, 0)).heard();

    assertThat(heard.column("lr")).containsOnly(RATE);
    assertThat(heard.rows.getFirst().get("step_kl")).isPositive();
  }

  @Test
  void theFactorSurvivesAResumption() throws IOException {
    TinyRun run = TinyRun.of(directory, TinyRun.SEVEN);
    GrpoSettings settings = settings(4, 1e-6);
    TinyRun.Ended whole = run.train(settings);

    TinyRun.Ended resumed = run.resume(settings, 2);

    assertThat(whole.heard().column("lr")).containsExactly(RATE, RATE / 2, RATE / 4, RATE / 8);
    assertThat(resumed.heard().rows).isEqualTo(whole.heard().rows.subList(2, 4));
  }

  /// A step that learned nothing says nothing about the rate.
  @Test
  void aStepWithoutAnUpdateLeavesTheRateAsItIs() throws IOException {
    boolean[] equal = {false};
    Reward sometimes =
        (query, reference, completion) ->
            RewardScore.of(!equal[0] && completion.equals("7") ? 1 : 0);

    Heard heard =
        TinyRun.of(directory, sometimes)
            .withAfterStep(step -> equal[0] = step >= 2)
            .train(settings(5, 1e-6))
            .heard();

    assertThat(heard.rows.getLast()).doesNotContainKey("step_kl");
    assertThat(heard.column("lr"))
        .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-12 ? 0 : 1)
        .containsExactly(RATE, RATE / 2, RATE / 4, RATE / 4, RATE / 4);
    assertThat(heard.rows.get(4).get("lr")).isCloseTo(RATE / 4, within(1e-12));
  }
}
