package bitnet.reward;

/// What a reward model minimizes, in nats, and the slopes of it.
///
/// Pairs (Bradley and Terry): `-log σ(chosen - rejected)`. Labels: `-y log σ(s) - (1 - y) log
/// σ(-s)`.
final class PreferenceLoss {
  private PreferenceLoss() {}

  static double ofPair(double chosen, double rejected) {
    return softplus(rejected - chosen);
  }

  /// The derivative by the chosen answer's logit; by the rejected one's it is the negative.
  static double pairSlope(double chosen, double rejected) {
    return -sigmoid(rejected - chosen);
  }

  static double ofLabel(double logit, double label) {
    return softplus(logit) - label * logit;
  }

  static double labelSlope(double logit, double label) {
    return sigmoid(logit) - label;
  }

  static double sigmoid(double x) {
    return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
  }

  /// `log(1 + e^x)`, without overflow.
  private static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }
}
