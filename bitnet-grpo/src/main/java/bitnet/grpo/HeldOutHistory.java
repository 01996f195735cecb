package bitnet.grpo;

import java.util.Arrays;
import java.util.Locale;
import org.apache.commons.math3.distribution.TDistribution;

/// What a run remembers of its held-out evaluations. Belongs into the checkpoint.
///
/// @param start share of right answers to each question before the first step; empty before it was
///     measured
/// @param bestStep step of the best evaluation
/// @param best its value
/// @param stopped whether the run was ended because accuracy had fallen
record HeldOutHistory(double[] start, long bestStep, double best, boolean stopped) {
  /// Fewer cannot show a fall: if all five fall, a sign test still has p = 2 * 0.5^5 = 6%.
  private static final int FEWEST_QUESTIONS = 6;

  static final HeldOutHistory NONE =
      new HeldOutHistory(new double[0], 0, Double.NEGATIVE_INFINITY, false);

  HeldOutHistory withStart(double[] shares) {
    return new HeldOutHistory(shares, bestStep, best, stopped);
  }

  HeldOutHistory withBest(long step, double value) {
    return new HeldOutHistory(start, step, value, stopped);
  }

  HeldOutHistory asStopped() {
    return new HeldOutHistory(start, bestStep, best, true);
  }

  /// Whether the shares have fallen since the start by more than chance explains: a paired t test
  /// over the questions, 5% on both sides together.
  boolean hasFallen(double[] now) {
    if (start.length != now.length || now.length < FEWEST_QUESTIONS) {
      return false;
    }
    double[] changes = new double[now.length];
    Arrays.setAll(changes, i -> now[i] - start[i]);
    double error = GroupAdvantages.deviation(changes) / Math.sqrt(changes.length);
    double quantile = new TDistribution(changes.length - 1).inverseCumulativeProbability(0.975);
    return GroupAdvantages.mean(changes) < -quantile * error;
  }

  /// What to say where accuracy has fallen.
  String warning(double[] now, OnRegression reaction) {
    return String.format(
        Locale.ROOT,
        "warning: held-out accuracy has fallen from %.1f%% to %.1f%%, more than chance explains"
            + " (paired t test, 95%%): %s",
        100 * GroupAdvantages.mean(start),
        100 * GroupAdvantages.mean(now),
        switch (reaction) {
          case WARN -> "use a lower --lr, --target_kl 0.05 or more questions per step";
          case HALVE -> "the learning rate is halved";
          case STOP -> "the run ends here";
        });
  }
}
