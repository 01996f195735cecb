package bitnet.grpo;

/// How the learning rate follows what its steps do. Belongs into the checkpoint.
///
/// @param factor of the schedule's rate
/// @param ceiling that the factor may rise to
record RateControl(double factor, double ceiling) {
  static final RateControl START = new RateControl(1, 1);

  private static final double LEAST = 1.0 / 1024;

  /// After a step that made a divergence: halved above twice the target, doubled below half of it.
  ///
  /// @param divergence in nats per completion
  /// @param target 0 to stay as it is
  RateControl after(double divergence, double target) {
    if (target == 0) {
      return this;
    }
    if (divergence > 2 * target) {
      return new RateControl(Math.max(LEAST, factor / 2), ceiling);
    }
    return divergence < target / 2 ? new RateControl(Math.min(ceiling, factor * 2), ceiling) : this;
  }

  /// Half the rate for the rest of the run.
  RateControl halved() {
    double lower = Math.max(LEAST, ceiling / 2);
    return new RateControl(Math.min(factor, lower), lower);
  }
}
