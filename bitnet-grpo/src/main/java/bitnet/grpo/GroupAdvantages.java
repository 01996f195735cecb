package bitnet.grpo;

import java.util.Arrays;
import java.util.List;

/// The third stage of a step: how much better each completion is than the others of its group.
public final class GroupAdvantages {

  /// Added to a standard deviation, so that it never divides by zero.
  static final double EPSILON = 1e-4;

  private GroupAdvantages() {}

  /// The groups with the advantages of their rollouts: `(score - mean) / (std + 1e-4)` for each
  /// token, with the mean of the group's first token scores. Without a spread of rewards there is
  /// nothing to compare: the advantages are then zero, whatever the scaling.
  ///
  /// @param groups scored
  /// @param settings scaling, and the weight of negative advantages
  /// @param maskTruncated whether truncated completions are excluded from the loss
  public static List<Group> of(
      List<Group> groups, GrpoSettings.AdvantageSettings settings, boolean maskTruncated) {
    double[] all =
        groups.stream().flatMapToDouble(group -> Arrays.stream(firstScores(group))).toArray();
    return groups.stream().map(group -> of(group, all, settings, maskTruncated)).toList();
  }

  private static Group of(
      Group group, double[] all, GrpoSettings.AdvantageSettings settings, boolean maskTruncated) {
    if (group.rollouts().isEmpty()) { // a first answer that was not corrected
      return group;
    }
    RewardScaling scaling = settings.scaling();
    double[] scores = firstScores(group);
    double mean = mean(scores);
    double deviation = deviation(scaling == RewardScaling.BATCH ? all : scores);
    double factor =
        switch (scaling) {
          case GROUP, BATCH -> deviation == 0 ? 0 : 1 / (deviation + EPSILON);
          case NONE -> deviation == 0 ? 0 : 1;
        };
    return group.map(
        rollout ->
            rollout.withAdvantages(
                new Rollout.Advantages(
                    Arrays.stream(rollout.scored().tokenScores())
                        .map(score -> (score - mean) * factor)
                        .map(value -> value < 0 ? value * settings.negativeWeight() : value)
                        .toArray(),
                    !(maskTruncated && rollout.truncated()))));
  }

  private static double[] firstScores(Group group) {
    return group.rollouts().stream()
        .mapToDouble(rollout -> rollout.scored().tokenScores()[0])
        .toArray();
  }

  /// The mean; exactly the value of values that are all equal, whose advantages are then zero.
  static double mean(double... values) {
    double first = values[0];
    return first + Arrays.stream(values).map(value -> value - first).sum() / values.length;
  }

  /// The standard deviation of a sample (Bessel's n - 1); 0 of a single value.
  static double deviation(double... values) {
    if (values.length < 2) {
      return 0;
    }
    double mean = mean(values);
    double squares = Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
    return Math.sqrt(squares / (values.length - 1));
  }
}
