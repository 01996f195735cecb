package bitnet.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LearningRateScheduleTest {
  private static final Offset<Double> EXACT = within(1e-15);

  private static LearningRateSchedule schedule(String decay, long warmup, long steps) {
    return new LearningRateSchedule(LearningRateDecay.of(decay), 2e-3, 0.1, warmup, steps);
  }

  @ParameterizedTest
  @CsvSource({"1, 1000", "50, 1000", "5, 100", "99, 100", "1, 2"})
  void linearIsThePeersFormula(long warm, long steps) {
    LearningRateSchedule linear = schedule("linear", warm, steps);
    for (long step = 0; step < steps; step++) {
      // train_text.py: 2e-3 * min((step + 1) / warm, (steps - step) / (steps - warm))
      double peer = 2e-3 * Math.min((step + 1.0) / warm, (steps - step) / (double) (steps - warm));
      assertThat(linear.learningRate(step)).isEqualTo(peer);
      assertThat(linear.weightDecay(step)).isEqualTo(0.1);
    }
  }

  @Test
  void twoStageFollowsTheRecipeOfTheThreeBillionModel() {
    // 1.2e-3 -> 8e-4 and weight decay 0.1 -> 0 at half-way, both lines ending at 0
    LearningRateSchedule recipe =
        new LearningRateSchedule(LearningRateDecay.of("two-stage"), 1.2e-3, 0.1, 375, 100_375);
    assertThat(recipe.learningRate(0)).isCloseTo(1.2e-3 / 375, EXACT);
    assertThat(recipe.learningRate(374)).isCloseTo(1.2e-3, EXACT);
    assertThat(recipe.learningRate(375)).isCloseTo(1.2e-3, EXACT);
    assertThat(recipe.learningRate(25_375)).isCloseTo(1.2e-3 * 0.75, EXACT);
    // half of all steps is 50,187.5
    assertThat(recipe.learningRate(50_187)).isCloseTo(1.2e-3 * 0.50188, EXACT);
    assertThat(recipe.weightDecay(50_187)).isEqualTo(0.1);
    assertThat(recipe.learningRate(50_188)).isCloseTo(8e-4 * 0.50187, EXACT);
    assertThat(recipe.weightDecay(50_188)).isZero();
    assertThat(recipe.learningRate(75_375)).isCloseTo(8e-4 * 0.25, EXACT);
    assertThat(recipe.learningRate(100_374)).isCloseTo(8e-4 / 100_000, EXACT);
  }

  @Test
  void cosineFallsToATenthOfThePeak() {
    LearningRateSchedule cosine = schedule("cosine", 10, 110);
    assertThat(cosine.learningRate(4)).isCloseTo(1e-3, EXACT);
    assertThat(cosine.learningRate(10)).isCloseTo(2e-3, EXACT);
    assertThat(cosine.learningRate(60)).isCloseTo(1.1e-3, EXACT);
    // cos(pi / 3) = 1/2 after a third; 30 of 90 steps
    LearningRateSchedule third = schedule("cosine", 10, 100);
    assertThat(third.learningRate(40)).isCloseTo(2e-4 + 1.8e-3 * 0.75, EXACT);
    assertThat(cosine.learningRate(109)).isBetween(2e-4, 2.01e-4);
  }

  @Test
  void constantStaysAtThePeakAfterWarmUp() {
    LearningRateSchedule constant = schedule("constant", 4, 10);
    assertThat(constant.learningRate(0)).isCloseTo(5e-4, EXACT);
    assertThat(constant.learningRate(3)).isEqualTo(2e-3);
    assertThat(constant.learningRate(9)).isEqualTo(2e-3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"two-stage", "cosine", "linear", "constant"})
  void everyScheduleIsPositiveAtEveryStepWhateverTheWarmUp(String decay) {
    for (long warmup : new long[] {0, 1, 5, 9, 10}) {
      LearningRateSchedule schedule = schedule(decay, warmup, 10);
      for (long step = 0; step < 10; step++) {
        assertThat(schedule.learningRate(step)).isPositive().isLessThanOrEqualTo(2e-3);
      }
    }
    assertThat(schedule(decay, 0, 1).learningRate(0)).isPositive();
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 10, Long.MAX_VALUE, Long.MIN_VALUE})
  void aStepOutsideTheRunIsRefused(long step) {
    LearningRateSchedule schedule = schedule("linear", 1, 10);
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> schedule.learningRate(step));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> schedule.weightDecay(step));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0.1, 5, 10, lr 0.0",
    "-1, 0.1, 5, 10, lr -1.0",
    "NaN, 0.1, 5, 10, lr NaN",
    "Infinity, 0.1, 5, 10, lr Infinity",
    "1, -0.1, 5, 10, weight_decay -0.1",
    "1, 0.1, 11, 10, 'warmup 11 is not from 0 to 10, the number of steps; use 0'",
    "1, 0.1, -1, 100, 'warmup -1 is not from 0 to 100, the number of steps; use 5'",
    "1, 0.1, 0, 0, steps 0",
  })
  void numbersThatCannotBeAreRefused(
      double lr, double weightDecay, long warmup, long steps, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new LearningRateSchedule(
                    new LearningRateDecay.Constant(), lr, weightDecay, warmup, steps))
        .withMessageContaining(message);
  }

  @Test
  void anUnknownScheduleIsRefusedWithThoseThatExist() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LearningRateDecay.of("step"))
        .withMessage("lr_schedule \"step\" is unknown; use two-stage, cosine, linear or constant");
    assertThatIllegalArgumentException().isThrownBy(() -> new LearningRateDecay.TwoStage(1.5));
    assertThatIllegalArgumentException().isThrownBy(() -> new LearningRateDecay.Cosine(Double.NaN));
  }
}
