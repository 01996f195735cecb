package bitnet.grpo;

import bitnet.generation.SamplingSettings;
import bitnet.graph.ForwardPass;
import bitnet.setting.SettingChecks;
import bitnet.training.CheckpointSettings;
import bitnet.training.LearningRateDecay;
import bitnet.training.LearningRateSchedule;
import bitnet.training.OptimizerSettings;
import bitnet.training.OptionValues;
import java.util.Optional;

/// The settings of a GRPO run. [#defaults] and the `with` methods make one.
///
/// Probabilities in the loss are the policy's own, at temperature 1, also if completions are
/// sampled at another temperature or by nucleus sampling.
///
/// @param rollouts how completions are sampled
/// @param scaling of advantages
/// @param loss of the tokens
/// @param update how the policy learns from a step's completions
/// @param optimizer learning rate, weight decay and gradient clipping
/// @param correction of first answers (the second layer); empty for one layer
/// @param evalInterval steps between two evaluations on the held-out questions; 0: only at the end
/// @param checkpoints when checkpoints are saved
public record GrpoSettings(
    Rollout rollouts,
    RewardScaling scaling,
    GrpoLoss loss,
    Update update,
    OptimizerSettings optimizer,
    Optional<CorrectionSettings> correction,
    long evalInterval,
    CheckpointSettings checkpoints) {

  private static final double LEARNING_RATE = 3e-5;

  /// How completions are sampled.
  ///
  /// @param prompts per step
  /// @param groupSize completions per prompt
  /// @param maxLength maximum number of tokens of a completion
  /// @param sampling of the tokens; its seed also orders the prompts
  public record Rollout(int prompts, int groupSize, int maxLength, SamplingSettings sampling) {

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Rollout {
      SettingChecks.atLeast("batch_size", prompts, 1);
      SettingChecks.atLeast("group_size", groupSize, 2);
      SettingChecks.atLeast("max_length", maxLength, 1);
      if (sampling.temperature() == 0) {
        throw new IllegalArgumentException(
            "temperature 0 makes all completions of a group equal; use 1");
      }
    }
  }

  /// How the policy learns from a step's completions.
  ///
  /// @param iterations optimizer steps per batch of rollouts (mu in the paper)
  /// @param maskTruncated whether truncated completions are excluded from the loss
  /// @param refSync steps after which the reference becomes the policy; 0: never
  /// @param keep what a forward pass keeps for its backward pass
  /// @param passTokens maximum number of tokens of a forward pass, padding included
  public record Update(
      int iterations, boolean maskTruncated, long refSync, ForwardPass.Keep keep, int passTokens) {

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Update {
      SettingChecks.atLeast("num_iterations", iterations, 1);
      SettingChecks.atLeast("ref_sync", refSync, 0);
      SettingChecks.atLeast("pass_tokens", passTokens, 1);
      if (keep == ForwardPass.Keep.NOTHING) {
        throw new IllegalArgumentException("training must keep what its gradients need");
      }
    }
  }

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public GrpoSettings {
    SettingChecks.atLeast("eval_interval", evalInterval, 0);
    if (update.refSync() > 0 && loss.beta() == 0) {
      throw new IllegalArgumentException(
          "ref_sync %d without a reference; give a beta above 0, or leave it out"
              .formatted(update.refSync()));
    }
  }

  /// The defaults of a run of that many steps: 16 prompts with 8 completions of up to 128 tokens, a
  /// constant rate of 3e-5, one layer.
  public static GrpoSettings defaults(long steps) {
    Rollout rollouts = new Rollout(16, 8, 128, new SamplingSettings(1, 0, 1, 0, 1, 0));
    return new GrpoSettings(
        rollouts,
        RewardScaling.GROUP,
        GrpoLoss.defaults(rollouts.maxLength()),
        new Update(1, false, 0, ForwardPass.Keep.ALL, 4096),
        new OptimizerSettings(
            new LearningRateSchedule(LearningRateDecay.of("constant"), LEARNING_RATE, 0, 0, steps),
            1),
        Optional.empty(),
        50,
        new CheckpointSettings(100, 2));
  }

  /// These settings with other rollouts.
  public GrpoSettings withRollouts(Rollout other) {
    return new GrpoSettings(
        other, scaling, loss, update, optimizer, correction, evalInterval, checkpoints);
  }

  /// These settings with another scaling of advantages.
  public GrpoSettings withScaling(RewardScaling other) {
    return new GrpoSettings(
        rollouts, other, loss, update, optimizer, correction, evalInterval, checkpoints);
  }

  /// These settings with another loss.
  public GrpoSettings withLoss(GrpoLoss other) {
    return new GrpoSettings(
        rollouts, scaling, other, update, optimizer, correction, evalInterval, checkpoints);
  }

  /// These settings with another update.
  public GrpoSettings withUpdate(Update other) {
    return new GrpoSettings(
        rollouts, scaling, loss, other, optimizer, correction, evalInterval, checkpoints);
  }

  /// These settings with another optimizer.
  public GrpoSettings withOptimizer(OptimizerSettings other) {
    return new GrpoSettings(
        rollouts, scaling, loss, update, other, correction, evalInterval, checkpoints);
  }

  /// These settings with a second layer, or without.
  public GrpoSettings withCorrection(Optional<CorrectionSettings> other) {
    return new GrpoSettings(
        rollouts, scaling, loss, update, optimizer, other, evalInterval, checkpoints);
  }

  /// These settings with another interval of evaluation.
  public GrpoSettings withEvalInterval(long other) {
    return new GrpoSettings(
        rollouts, scaling, loss, update, optimizer, correction, other, checkpoints);
  }

  /// These settings with other checkpoints.
  public GrpoSettings withCheckpoints(CheckpointSettings other) {
    return new GrpoSettings(
        rollouts, scaling, loss, update, optimizer, correction, evalInterval, other);
  }

  /// Learning rate and weight decay by step.
  public LearningRateSchedule schedule() {
    return optimizer.schedule();
  }

  /// How tokens are sampled.
  SamplingSettings sampling() {
    return rollouts.sampling();
  }

  /// Whether there is a reference policy.
  boolean isCompared() {
    return loss.beta() > 0;
  }

  /// What must be equal when a run is resumed.
  OptionValues options() {
    OptionValues options =
        optimizer
            .options("steps")
            .put("batch_size", rollouts.prompts())
            .put("group_size", rollouts.groupSize())
            .put("max_length", rollouts.maxLength())
            .put("temperature", sampling().temperature())
            .put("top_p", sampling().topP())
            .put("seed", sampling().seed())
            .put("scale_rewards", scaling.key())
            .putAll(loss.options())
            .put("num_iterations", update.iterations())
            .put("mask_truncated", update.maskTruncated())
            .put("ref_sync", update.refSync())
            .put("pass_tokens", update.passTokens())
            .put("two_layer", correction.isPresent());
    correction.ifPresent(each -> options.putAll(each.options()));
    return options;
  }
}
