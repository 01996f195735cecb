package bitnet.training;

/// The optimizer of a run: AdamW.
///
/// @param schedule learning rate and weight decay by step
/// @param maxGradNorm gradients are clipped to this global norm; 0: no clipping
public record OptimizerSettings(LearningRateSchedule schedule, double maxGradNorm) {

  /// Checks the norm.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public OptimizerSettings {
    if (!(maxGradNorm >= 0 && Double.isFinite(maxGradNorm))) {
      throw new IllegalArgumentException(
          "max_grad_norm %s is not a finite number of at least 0; use 1".formatted(maxGradNorm));
    }
  }

  /// These settings with another peak of the learning rate.
  public OptimizerSettings withLearningRate(double peak) {
    return new OptimizerSettings(
        new LearningRateSchedule(
            schedule.decay(), peak, schedule.weightDecay(), schedule.warmup(), schedule.steps()),
        maxGradNorm);
  }

  /// What must be equal when a run is resumed.
  ///
  /// @param steps the name of the number of steps
  public OptionValues options(String steps) {
    return new OptionValues()
        .put("lr", schedule.peak())
        .put("lr_schedule", schedule.decay().key())
        .put("warmup", schedule.warmup())
        .put("weight_decay", schedule.weightDecay())
        .put(steps, schedule.steps())
        .put("max_grad_norm", maxGradNorm);
  }
}
