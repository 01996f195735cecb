package bitnet.training;

import bitnet.graph.TorchOps.AdamWSettings;

/// The optimizer of a run: AdamW.
///
/// @param schedule learning rate and weight decay by step
/// @param adamW decay of the moments, and epsilon
/// @param maxGradNorm gradients are clipped to this global norm; 0: no clipping
public record OptimizerSettings(
    LearningRateSchedule schedule, AdamWSettings adamW, double maxGradNorm) {

  /// The constants of runs whose checkpoints do not name them. They stay, whatever a trainer's
  /// defaults become.
  private static final AdamWSettings FORMER = new AdamWSettings(0.9, 0.95, 1e-8);

  /// Checks the norm.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public OptimizerSettings {
    if (!(maxGradNorm >= 0 && Double.isFinite(maxGradNorm))) {
      throw new IllegalArgumentException(
          "max_grad_norm %s is not a finite number of at least 0; use 1".formatted(maxGradNorm));
    }
  }

  /// Settings with [AdamWSettings#BITNET].
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public OptimizerSettings(LearningRateSchedule schedule, double maxGradNorm) {
    this(schedule, AdamWSettings.BITNET, maxGradNorm);
  }

  /// These settings with other constants of AdamW.
  public OptimizerSettings withAdamW(AdamWSettings other) {
    return new OptimizerSettings(schedule, other, maxGradNorm);
  }

  /// These settings with another peak of the learning rate.
  public OptimizerSettings withLearningRate(double peak) {
    return new OptimizerSettings(
        new LearningRateSchedule(
            schedule.decay(), peak, schedule.weightDecay(), schedule.warmup(), schedule.steps()),
        adamW,
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
        .put("max_grad_norm", maxGradNorm)
        .put("adam_beta1", adamW.beta1(), FORMER.beta1())
        .put("adam_beta2", adamW.beta2(), FORMER.beta2())
        .put("adam_epsilon", adamW.epsilon(), FORMER.epsilon());
  }
}
