package bitnet.training;

import bitnet.data.Packing;
import bitnet.data.WindowSampling;
import bitnet.graph.ForwardPass;
import bitnet.graph.TorchOps.AdamWSettings;
import bitnet.model.LoraSettings;
import bitnet.setting.SettingChecks;
import java.util.Optional;

/// The settings of cross-entropy training. [#defaults] and the `with` methods make one.
///
/// @param batches what a step learns from
/// @param optimizer learning rate, weight decay and gradient clipping
/// @param quantWarmup steps over which quantization is phased in; 0: at once
/// @param keep what a forward pass keeps for its backward pass
/// @param guard decides whether a step's loss and gradient are sound
/// @param evaluation when the held-out text is evaluated
/// @param checkpoints when checkpoints are saved
/// @param lora the adapter that is trained in place of the weights; empty to train the weights
public record TrainingSettings(
    Batches batches,
    OptimizerSettings optimizer,
    long quantWarmup,
    ForwardPass.Keep keep,
    SpikeGuard guard,
    Evaluation evaluation,
    CheckpointSettings checkpoints,
    Optional<LoraSettings> lora) {

  private static final double LEARNING_RATE = 1.5e-3;
  private static final double WEIGHT_DECAY = 0.1;
  private static final long LONGEST_WARMUP = 375;

  /// What a step learns from.
  ///
  /// @param batchSize sequences per batch
  /// @param seqLen tokens per sequence
  /// @param gradAccum batches accumulated per optimizer step
  /// @param packing how examples fill the windows of the text
  /// @param sampling which windows a step sees
  /// @param seed of the sampling
  public record Batches(
      int batchSize,
      int seqLen,
      int gradAccum,
      Packing packing,
      WindowSampling sampling,
      long seed) {

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Batches {
      SettingChecks.atLeast("batch_size", batchSize, 1);
      SettingChecks.atLeast("seq_len", seqLen, 1);
      SettingChecks.atLeast("grad_accum", gradAccum, 1);
    }

    /// Batches of windows that are cut anywhere, [Packing#STREAM].
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Batches(int batchSize, int seqLen, int gradAccum, WindowSampling sampling, long seed) {
      this(batchSize, seqLen, gradAccum, Packing.STREAM, sampling, seed);
    }

    /// These batches with another packing.
    public Batches withPacking(Packing other) {
      return new Batches(batchSize, seqLen, gradAccum, other, sampling, seed);
    }
  }

  /// When the held-out text is evaluated.
  ///
  /// @param interval steps between two evaluations; 0: only at the end
  /// @param tokens of the held-out text, from its beginning; 0: all
  public record Evaluation(long interval, long tokens) {

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Evaluation {
      SettingChecks.atLeast("eval_interval", interval, 0);
      SettingChecks.atLeast("eval_tokens", tokens, 0);
    }
  }

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public TrainingSettings {
    SettingChecks.atLeast("quant_warmup", quantWarmup, 0);
    if (lora.isPresent() && quantWarmup > 0) {
      throw new IllegalArgumentException(
          "quant_warmup %d has no effect with lora_rank, whose base is ternary already; leave it out"
              .formatted(quantWarmup));
    }
    if (keep == ForwardPass.Keep.NOTHING) {
      throw new IllegalArgumentException("training must keep what its gradients need");
    }
  }

  /// The defaults of a run of that many steps: batches of 8 sequences of 256 tokens, cut anywhere,
  /// each window once per epoch; the two-stage schedule of BitNet b1.58 with a peak of 1.5e-3,
  /// weight decay 0.1 and [#warmup] steps of warm-up.
  public static TrainingSettings defaults(long steps) {
    return new TrainingSettings(
        new Batches(8, 256, 1, WindowSampling.EPOCH, 0),
        new OptimizerSettings(
            new LearningRateSchedule(
                LearningRateDecay.of("two-stage"),
                LEARNING_RATE,
                WEIGHT_DECAY,
                warmup(steps),
                steps),
            AdamWSettings.BITNET,
            1),
        0,
        ForwardPass.Keep.ALL,
        SpikeGuard.DEFAULT,
        new Evaluation(100, 131_072),
        new CheckpointSettings(500, 2),
        Optional.empty());
  }

  /// The default steps of warm-up: a twentieth of all, at most 375.
  public static long warmup(long steps) {
    return Math.min(LONGEST_WARMUP, Math.max(1, steps / 20));
  }

  /// These settings with other batches.
  public TrainingSettings withBatches(Batches other) {
    return new TrainingSettings(
        other, optimizer, quantWarmup, keep, guard, evaluation, checkpoints, lora);
  }

  /// These settings with another optimizer.
  public TrainingSettings withOptimizer(OptimizerSettings other) {
    return new TrainingSettings(
        batches, other, quantWarmup, keep, guard, evaluation, checkpoints, lora);
  }

  /// These settings with quantization phased in over that many steps.
  public TrainingSettings withQuantWarmup(long other) {
    return new TrainingSettings(
        batches, optimizer, other, keep, guard, evaluation, checkpoints, lora);
  }

  /// These settings with another choice of what a forward pass keeps.
  public TrainingSettings withKeep(ForwardPass.Keep other) {
    return new TrainingSettings(
        batches, optimizer, quantWarmup, other, guard, evaluation, checkpoints, lora);
  }

  /// These settings with another spike guard.
  public TrainingSettings withGuard(SpikeGuard other) {
    return new TrainingSettings(
        batches, optimizer, quantWarmup, keep, other, evaluation, checkpoints, lora);
  }

  /// These settings with another evaluation.
  public TrainingSettings withEvaluation(Evaluation other) {
    return new TrainingSettings(
        batches, optimizer, quantWarmup, keep, guard, other, checkpoints, lora);
  }

  /// These settings with other checkpoints.
  public TrainingSettings withCheckpoints(CheckpointSettings other) {
    return new TrainingSettings(
        batches, optimizer, quantWarmup, keep, guard, evaluation, other, lora);
  }

  /// These settings with an adapter, or without.
  public TrainingSettings withLora(Optional<LoraSettings> other) {
    return new TrainingSettings(
        batches, optimizer, quantWarmup, keep, guard, evaluation, checkpoints, other);
  }

  /// Learning rate and weight decay by step.
  public LearningRateSchedule schedule() {
    return optimizer.schedule();
  }

  /// Tokens that a step learns from.
  public long tokensPerStep() {
    return (long) batches.batchSize() * batches.seqLen() * batches.gradAccum();
  }

  /// What does not depend on the objective.
  LoopSettings loop() {
    return new LoopSettings(
        optimizer,
        batches.gradAccum(),
        quantWarmup,
        keep,
        guard,
        evaluation,
        checkpoints,
        batches.seed());
  }

  /// What must be equal when a run is resumed.
  OptionValues options() {
    return optimizer
        .options("iters")
        .put("batch_size", batches.batchSize())
        .put("seq_len", batches.seqLen())
        .put("grad_accum", batches.gradAccum())
        .put("packing", batches.packing().key(), Packing.STREAM.key())
        .put("sampling", batches.sampling().key())
        .put("seed", batches.seed())
        .put("quant_warmup", quantWarmup)
        .putAll(LoraOptionValues.of(lora));
  }
}
