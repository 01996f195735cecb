package bitnet.training;

import bitnet.setting.SettingChecks;

/// Learning rate and weight decay as pure functions of the step: a line from 0 to the peak during
/// warm-up, then a [LearningRateDecay].
///
/// @param decay what follows warm-up
/// @param peak the highest learning rate
/// @param weightDecay weight decay, until the decay ends it
/// @param warmup steps of warm-up; its last step is at the peak
/// @param steps steps of the whole run
public record LearningRateSchedule(
    LearningRateDecay decay, double peak, double weightDecay, long warmup, long steps) {

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public LearningRateSchedule {
    if (!(peak > 0 && Double.isFinite(peak))) {
      throw new IllegalArgumentException(
          "lr %s is not a finite number above 0; use 1.5e-3".formatted(peak));
    }
    if (!(weightDecay >= 0 && Double.isFinite(weightDecay))) {
      throw new IllegalArgumentException(
          "weight_decay %s is not a finite number of at least 0; use 0.1".formatted(weightDecay));
    }
    SettingChecks.atLeast("steps", steps, 1);
    if (warmup < 0 || warmup > steps) {
      throw new IllegalArgumentException(
          "warmup %d is not from 0 to %d, the number of steps; use %d"
              .formatted(warmup, steps, steps / 20));
    }
  }

  /// The learning rate of a step.
  ///
  /// @param step from 0 to below [#steps]
  /// @throws IndexOutOfBoundsException if it is not
  public double learningRate(long step) {
    checkStep(step);
    if (step < warmup) {
      return peak * ((double) (step + 1) / warmup);
    }
    return peak * decay.factor((double) (steps - step) / (steps - warmup), secondHalf(step));
  }

  /// The weight decay of a step.
  ///
  /// @param step from 0 to below [#steps]
  /// @throws IndexOutOfBoundsException if it is not
  public double weightDecay(long step) {
    checkStep(step);
    return weightDecay * decay.weightDecayFactor(secondHalf(step));
  }

  private boolean secondHalf(long step) {
    return step >= steps - step;
  }

  private void checkStep(long step) {
    if (step < 0 || step >= steps) {
      throw new IndexOutOfBoundsException(
          "step %d is not from 0 to below %d".formatted(step, steps));
    }
  }
}
