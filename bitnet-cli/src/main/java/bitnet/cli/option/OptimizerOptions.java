package bitnet.cli.option;

import bitnet.graph.ForwardPass;
import bitnet.graph.TorchOps.AdamWSettings;
import bitnet.training.LearningRateDecay;
import bitnet.training.LearningRateSchedule;
import bitnet.training.OptimizerSettings;
import picocli.CommandLine.Option;

/// Options of the optimizer, for every trainer. Trainers have different defaults: their mixin is
/// made with them.
public final class OptimizerOptions {

  @Option(
      names = "--lr",
      paramLabel = "X",
      description = "Peak learning rate, above 0 (default: ${DEFAULT-VALUE}).")
  private double learningRate;

  @Option(
      names = "--lr_schedule",
      paramLabel = "S",
      description =
          "two-stage (BitNet b1.58: halfway, the rate drops and weight decay ends), cosine, linear"
              + " or constant (default: ${DEFAULT-VALUE}).")
  private String schedule;

  @Option(
      names = "--weight_decay",
      paramLabel = "X",
      description = "AdamW weight decay of matrices, at least 0 (default: ${DEFAULT-VALUE}).")
  private double weightDecay;

  @Option(
      names = "--adam_beta1",
      paramLabel = "X",
      description = "Decay of AdamW's first moment, from 0 to below 1 (default: ${DEFAULT-VALUE}).")
  private double beta1;

  @Option(
      names = "--adam_beta2",
      paramLabel = "X",
      description =
          "Decay of AdamW's second moment, from 0 to below 1 (default: ${DEFAULT-VALUE}).")
  private double beta2;

  @Option(
      names = "--adam_epsilon",
      paramLabel = "X",
      description =
          "Added to the root of AdamW's second moment, above 0; a larger value damps parameters"
              + " with small gradients (default: ${DEFAULT-VALUE}).")
  private double epsilon;

  @Option(
      names = "--max_grad_norm",
      paramLabel = "X",
      description =
          "Gradients are clipped to this global norm; 0 disables clipping (default:"
              + " ${DEFAULT-VALUE}).")
  private double maxGradNorm;

  @Option(
      names = "--grad_checkpoint",
      description =
          "Activation checkpointing: keep only the inputs of each layer and recompute the rest in"
              + " the backward pass. Uses less memory and more time.")
  private boolean gradCheckpoint;

  /// Options with the defaults of a trainer.
  public OptimizerOptions(OptimizerSettings defaults) {
    this.learningRate = defaults.schedule().peak();
    this.schedule = defaults.schedule().decay().key();
    this.weightDecay = defaults.schedule().weightDecay();
    this.beta1 = defaults.adamW().beta1();
    this.beta2 = defaults.adamW().beta2();
    this.epsilon = defaults.adamW().epsilon();
    this.maxGradNorm = defaults.maxGradNorm();
  }

  /// The settings of a run.
  ///
  /// @param warmup steps of linear warm-up
  /// @param steps of the run
  public OptimizerSettings settings(long warmup, long steps) {
    return new OptimizerSettings(
        new LearningRateSchedule(
            LearningRateDecay.of(schedule), learningRate, weightDecay, warmup, steps),
        new AdamWSettings(beta1, beta2, epsilon),
        maxGradNorm);
  }

  /// What a forward pass keeps.
  public ForwardPass.Keep keep() {
    return gradCheckpoint ? ForwardPass.Keep.LAYER_INPUTS : ForwardPass.Keep.ALL;
  }
}
