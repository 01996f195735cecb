package bitnet.training;

import bitnet.graph.ForwardPass;

/// The settings of an [ObjectiveTrainer], whatever its objective.
///
/// @param optimizer learning rate, weight decay and gradient clipping
/// @param gradAccum batches accumulated per optimizer step
/// @param quantWarmup steps over which quantization is phased in; 0: at once
/// @param keep what a forward pass keeps for its backward pass
/// @param guard decides whether a step's loss and gradient are sound
/// @param evaluation when the held-out data is evaluated
/// @param checkpoints when checkpoints are saved
/// @param seed of the order of the data
public record LoopSettings(
    OptimizerSettings optimizer,
    int gradAccum,
    long quantWarmup,
    ForwardPass.Keep keep,
    SpikeGuard guard,
    TrainingSettings.Evaluation evaluation,
    CheckpointSettings checkpoints,
    long seed) {

  /// Learning rate and weight decay by step.
  public LearningRateSchedule schedule() {
    return optimizer.schedule();
  }

  /// How far quantization is phased in at a step, from 0 to 1.
  double sharpness(long step) {
    return quantWarmup == 0 ? 1 : Math.min(1, (double) step / quantWarmup);
  }
}
