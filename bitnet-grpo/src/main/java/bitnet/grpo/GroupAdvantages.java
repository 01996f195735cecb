package bitnet.grpo;

import java.util.Arrays;

/// What the advantages of answers over others to the same query are made of.
final class GroupAdvantages {

  /// Added to a standard deviation, so that equal rewards divide by something.
  static final double EPSILON = 1e-4;

  private GroupAdvantages() {}

  /// What the difference of each reward to the mean of its group is multiplied by.
  static double[] factors(double[] rewards, int groupSize, RewardScaling scaling) {
    double[] factors = new double[rewards.length];
    for (int first = 0; first < rewards.length; first += groupSize) {
      double factor =
          switch (scaling) {
            case GROUP -> 1 / (deviation(group(rewards, groupSize, first / groupSize)) + EPSILON);
            case BATCH -> 1 / (deviation(rewards) + EPSILON);
            case NONE -> 1;
          };
      Arrays.fill(factors, first, first + groupSize, factor);
    }
    return factors;
  }

  static double[] group(double[] rewards, int groupSize, int group) {
    return Arrays.copyOfRange(rewards, group * groupSize, (group + 1) * groupSize);
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
