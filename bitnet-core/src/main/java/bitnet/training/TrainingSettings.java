package bitnet.training;

import bitnet.data.WindowSampling;
import bitnet.graph.ForwardPass;

/// How a training run goes.
///
/// @param batch sequences in a batch
/// @param seq tokens in a sequence
/// @param accumulation batches whose gradients make a step
/// @param schedule learning rate and weight decay by step
/// @param clip the longest gradient; 0: any
/// @param quantWarmup steps in which quantisation sets in; 0: at once
/// @param keep what a forward pass keeps
/// @param sampling which windows of the text a step sees
/// @param seed of the sampling
/// @param guard judges losses
/// @param evalInterval steps between two looks at the held-out text; 0: at the end only
/// @param evalTokens of the held-out text, from its beginning, that are looked at; 0: all
/// @param saveInterval steps between two checkpoints; 0: at the end only
/// @param keptCheckpoints how many of them stay
public record TrainingSettings(
    int batch,
    int seq,
    int accumulation,
    LearningRateSchedule schedule,
    double clip,
    long quantWarmup,
    ForwardPass.Keep keep,
    WindowSampling sampling,
    long seed,
    SpikeGuard guard,
    long evalInterval,
    long evalTokens,
    long saveInterval,
    int keptCheckpoints) {

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public TrainingSettings {
    atLeast("batch_size", batch, 1);
    atLeast("seq_len", seq, 1);
    atLeast("grad_accum", accumulation, 1);
    atLeast("quant_warmup", quantWarmup, 0);
    atLeast("eval_interval", evalInterval, 0);
    atLeast("eval_tokens", evalTokens, 0);
    atLeast("save_interval", saveInterval, 0);
    atLeast("keep", keptCheckpoints, 1);
    if (!(clip >= 0 && Double.isFinite(clip))) {
      throw new IllegalArgumentException(
          "clip %s is not a finite number of at least 0; use 1".formatted(clip));
    }
    if (keep == ForwardPass.Keep.NOTHING) {
      throw new IllegalArgumentException("training must keep what its gradients need");
    }
  }

  private static void atLeast(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s %d is too small; it must be at least %d".formatted(name, value, least));
    }
  }

  /// Tokens that a step learns from.
  public long tokensPerStep() {
    return (long) batch * seq * accumulation;
  }

  /// How far quantisation has set in at a step, from 0 to 1.
  double sharpness(long step) {
    return quantWarmup == 0 ? 1 : Math.min(1, (double) step / quantWarmup);
  }

  /// Everything that changes the numbers of a run, as text: a run may only be resumed with equals.
  ///
  /// Threads are not part of it, so that a run may move to another machine: with another number of
  /// them sums are taken in another order, and the last bits differ.
  String fingerprint() {
    return "batch %d, seq %d, accumulation %d, %s, clip %s, quant_warmup %d, %s sampling, seed %d"
        .formatted(batch, seq, accumulation, schedule, clip, quantWarmup, sampling.key(), seed);
  }
}
