package bitnet.model;

/// The logarithm of the softmax of logits.
public final class LogSoftmax {
  private LogSoftmax() {}

  /// `ln softmax(logits)[id]`.
  public static double at(float[] logits, int id) {
    float highest = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit);
    }
    return at(logits, id, highest);
  }

  /// `ln softmax(logits)[id]`.
  ///
  /// @param highest the highest logit
  public static double at(float[] logits, int id, float highest) {
    return (double) logits[id] - highest - logMass(logits, highest);
  }

  /// `ln sum(exp(logits - highest))`: what a logit less the highest is reduced by.
  ///
  /// @param highest the highest logit
  public static double logMass(float[] logits, float highest) {
    double mass = 0;
    for (float logit : logits) {
      mass += Math.exp((double) logit - highest);
    }
    return Math.log(mass);
  }
}
