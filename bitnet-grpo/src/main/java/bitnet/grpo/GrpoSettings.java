package bitnet.grpo;

import bitnet.generation.SamplingSettings;
import bitnet.graph.ForwardPass;
import bitnet.graph.TorchOps.AdamWSettings;
import bitnet.setting.SettingChecks;
import bitnet.training.CheckpointSettings;
import bitnet.training.LearningRateDecay;
import bitnet.training.LearningRateSchedule;
import bitnet.training.OptimizerSettings;
import bitnet.training.OptionValues;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The settings of a GRPO run. [#defaults] and the `with` methods make one.
///
/// Probabilities in the loss are those that completions are sampled with: at the temperature and
/// among the tokens that nucleus sampling kept.
///
/// @param rollouts how completions are sampled
/// @param advantages how rewards become advantages
/// @param loss of the tokens
/// @param update how the policy learns from a step's completions
/// @param optimizer learning rate, weight decay and gradient clipping
/// @param correction of first answers (the second layer); empty for one layer
/// @param evaluation on held-out questions
/// @param checkpoints when checkpoints are saved
public record GrpoSettings(
    Rollout rollouts,
    AdvantageSettings advantages,
    GrpoLoss loss,
    Update update,
    OptimizerSettings optimizer,
    Optional<CorrectionSettings> correction,
    Evaluation evaluation,
    CheckpointSettings checkpoints) {

  private static final double LEARNING_RATE = 3e-5;

  /// How completions are sampled.
  ///
  /// @param prompts per step
  /// @param groupSize completions per prompt
  /// @param maxLength maximum number of tokens of a completion
  /// @param sampling of the tokens; its seed also orders the prompts
  /// @param dynamic how often prompts are sampled anew for groups with a spread of rewards
  /// @param overlong penalty of completions near the maximum length
  public record Rollout(
      int prompts,
      int groupSize,
      int maxLength,
      SamplingSettings sampling,
      DynamicSampling dynamic,
      Overlong overlong) {

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
      if (sampling.repetitionPenalty() != 1) {
        throw new IllegalArgumentException(
            "repetition_penalty %s makes the policy that samples another than the one that learns;"
                    .formatted(sampling.repetitionPenalty())
                + " use 1");
      }
      if (!sampling.leavesLogits()) {
        throw new IllegalArgumentException(
            "frequency_penalty, presence_penalty and logit_bias make the policy that samples"
                + " another than the one that learns; use 0");
      }
      overlong.requireWithin("max_length", maxLength);
      long most = (long) prompts * dynamic.maxBatches();
      if (dynamic.minGroups() > most) {
        throw new IllegalArgumentException(
            "min_informative_groups %d is more than the %d groups of max_rollout_batches %d; use at"
                    .formatted(dynamic.minGroups(), most, dynamic.maxBatches())
                + " most %d".formatted(most));
      }
    }

    /// Completions of one batch of prompts, without a penalty of their length.
    public static Rollout of(int prompts, int groupSize, int maxLength, SamplingSettings sampling) {
      return new Rollout(
          prompts, groupSize, maxLength, sampling, DynamicSampling.OFF, Overlong.OFF);
    }
  }

  /// Dynamic sampling (DAPO, arXiv 2503.14476): a step samples further batches of prompts until
  /// enough groups have completions with different rewards; only these are then learned from.
  ///
  /// @param minGroups groups with a spread of rewards that a step needs; 0: one batch, whatever it
  ///     holds
  /// @param maxBatches batches of prompts per step at most
  public record DynamicSampling(int minGroups, int maxBatches) {
    /// One batch per step.
    public static final DynamicSampling OFF = new DynamicSampling(0, 4);

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public DynamicSampling {
      SettingChecks.atLeast("min_informative_groups", minGroups, 0);
      SettingChecks.atLeast("max_rollout_batches", maxBatches, 1);
    }
  }

  /// The soft penalty of overlong completions (DAPO, arXiv 2503.14476): it rises from 0 at `buffer`
  /// tokens before the maximum length to `penalty` there, and is taken from the reward. Corrections
  /// have it too, with their own maximum length.
  ///
  /// @param buffer tokens over which it rises; 0: no penalty
  /// @param penalty of a completion of the maximum length
  public record Overlong(int buffer, double penalty) {
    /// No penalty.
    public static final Overlong OFF = new Overlong(0, 1);

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Overlong {
      SettingChecks.atLeast("overlong_buffer", buffer, 0);
      if (!(penalty >= 0 && Double.isFinite(penalty))) {
        throw new IllegalArgumentException(
            "overlong_penalty %s is not a finite number of at least 0; use 1".formatted(penalty));
      }
    }

    /// Refuses a penalty that begins before the first token.
    private void requireWithin(String name, int maxLength) {
      if (buffer > maxLength) {
        throw new IllegalArgumentException(
            "overlong_buffer %d is more than %s %d; use a fifth of it"
                .formatted(buffer, name, maxLength));
      }
    }

    /// The groups with the penalty taken from their rewards.
    List<Group> applyTo(List<Group> groups, int maxLength) {
      return buffer == 0
          ? groups
          : groups.stream()
              .map(
                  group ->
                      group.map(
                          rollout ->
                              rollout.withReward(
                                  rollout.scored().minus(of(rollout.length(), maxLength)))))
              .toList();
    }

    /// What is taken from the reward of a completion.
    double of(int length, int maxLength) {
      int over = length - (maxLength - buffer);
      return buffer == 0 || over <= 0 ? 0 : penalty * Math.min(1, (double) over / buffer);
    }
  }

  /// How the policy is evaluated on held-out questions, and what follows from that.
  ///
  /// @param interval steps between two evaluations; 0: only at the end
  /// @param samples completions per question, sampled as in training, in addition to a greedy one;
  ///     0: none
  /// @param keepBest which model the run writes
  /// @param onRegression what happens when accuracy falls below that of the start
  /// @param startAnswers completions of training questions that are sampled before the first step,
  ///     to judge the start; 0: none
  public record Evaluation(
      long interval, int samples, KeepBest keepBest, OnRegression onRegression, int startAnswers) {

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Evaluation {
      SettingChecks.atLeast("eval_interval", interval, 0);
      SettingChecks.atLeast("eval_samples", samples, 0);
      SettingChecks.atLeast("start_answers", startAnswers, 0);
      if (keepBest == KeepBest.EVAL_SAMPLED && samples == 0) {
        throw new IllegalArgumentException(
            "keep_best eval_sampled needs sampled answers; use eval_samples 4, or keep_best"
                + " eval_accuracy");
      }
    }

    /// A greedy and four sampled answers every so many steps, and the model of the last step.
    public static Evaluation every(long interval) {
      return new Evaluation(interval, 4, KeepBest.NONE, OnRegression.WARN, 0);
    }
  }

  /// How rewards become advantages.
  ///
  /// @param scaling what the distance of a reward from its group's mean is divided by
  /// @param negativeWeight factor of negative advantages, 0 to 1
  public record AdvantageSettings(RewardScaling scaling, double negativeWeight) {

    /// Checks the weight.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public AdvantageSettings {
      if (!(negativeWeight >= 0 && negativeWeight <= 1)) {
        throw new IllegalArgumentException(
            "negative_weight %s is not from 0 to 1; use 1".formatted(negativeWeight));
      }
    }

    /// Another scaling, with negative advantages as they are.
    public static AdvantageSettings of(RewardScaling scaling) {
      return new AdvantageSettings(scaling, 1);
    }
  }

  /// How the policy learns from a step's completions.
  ///
  /// @param iterations optimizer steps per batch of rollouts (mu in the paper)
  /// @param maskTruncated whether truncated completions are excluded from the loss
  /// @param refSync steps after which the reference becomes the policy; 0: never
  /// @param keep what a forward pass keeps for its backward pass
  /// @param passTokens maximum number of tokens of a forward pass, padding included
  /// @param batchPrompts prompts per optimizer step; 0: all of the step
  /// @param targetKl divergence per completion, in nats, that one step may make: the learning rate
  ///     is halved after a step above twice this, and doubled again, up to the schedule's, after
  ///     one below half; 0: the schedule's rate always
  public record Update(
      int iterations,
      boolean maskTruncated,
      long refSync,
      ForwardPass.Keep keep,
      int passTokens,
      int batchPrompts,
      double targetKl) {

    /// What [#targetKl] is unless it is set: of a rate that is too high, most of the harm is
    /// prevented, and a fitting one is left alone.
    public static final double TARGET_KL = 0.1;

    /// The default of [#targetKl] for a run.
    ///
    /// @param resumed the options of the checkpoint to resume, which keeps its own value, as
    ///     checkpoints of versions without one keep 0; empty for a new run
    public static double targetKl(Map<String, String> resumed) {
      return resumed.isEmpty()
          ? TARGET_KL
          : Double.parseDouble(resumed.getOrDefault("target_kl", "0"));
    }

    /// These settings with another [#targetKl].
    public Update withTargetKl(double other) {
      return new Update(iterations, maskTruncated, refSync, keep, passTokens, batchPrompts, other);
    }

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Update {
      SettingChecks.atLeast("num_iterations", iterations, 1);
      SettingChecks.atLeast("ref_sync", refSync, 0);
      SettingChecks.atLeast("pass_tokens", passTokens, 1);
      SettingChecks.atLeast("batch_size", batchPrompts, 0);
      if (!(targetKl >= 0 && Double.isFinite(targetKl))) {
        throw new IllegalArgumentException(
            "target_kl %s is not a finite number of at least 0; use 0.05".formatted(targetKl));
      }
      if (keep == ForwardPass.Keep.NOTHING) {
        throw new IllegalArgumentException("training must keep what its gradients need");
      }
    }

    /// Prompts per optimizer step.
    int prompts(Rollout rollouts) {
      return batchPrompts == 0 ? rollouts.prompts() : batchPrompts;
    }
  }

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public GrpoSettings {
    if (update.refSync() > 0 && loss.beta() == 0) {
      throw new IllegalArgumentException(
          "ref_sync %d without a reference; give a beta above 0, or leave it out"
              .formatted(update.refSync()));
    }
    correction.ifPresent(
        second -> rollouts.overlong().requireWithin("second_max_length", second.maxLength()));
  }

  /// The defaults of a run of that many steps: 16 prompts with 8 completions of up to 128 tokens, a
  /// constant rate of 3e-5, one layer.
  public static GrpoSettings defaults(long steps) {
    Rollout rollouts = Rollout.of(16, 8, 128, new SamplingSettings(1, 0, 1, 0, 1, 0));
    return new GrpoSettings(
        rollouts,
        AdvantageSettings.of(RewardScaling.GROUP),
        GrpoLoss.defaults(rollouts.maxLength()),
        new Update(1, false, 0, ForwardPass.Keep.ALL, 4096, 0, Update.TARGET_KL),
        new OptimizerSettings(
            new LearningRateSchedule(LearningRateDecay.of("constant"), LEARNING_RATE, 0, 0, steps),
            AdamWSettings.BITNET,
            1),
        Optional.empty(),
        Evaluation.every(50),
        new CheckpointSettings(100, 2));
  }

  /// These settings with other rollouts.
  public GrpoSettings withRollouts(Rollout other) {
    return new GrpoSettings(
        other, advantages, loss, update, optimizer, correction, evaluation, checkpoints);
  }

  /// These settings with other advantages.
  public GrpoSettings withAdvantages(AdvantageSettings other) {
    return new GrpoSettings(
        rollouts, other, loss, update, optimizer, correction, evaluation, checkpoints);
  }

  /// These settings with another loss.
  public GrpoSettings withLoss(GrpoLoss other) {
    return new GrpoSettings(
        rollouts, advantages, other, update, optimizer, correction, evaluation, checkpoints);
  }

  /// These settings with another update.
  public GrpoSettings withUpdate(Update other) {
    return new GrpoSettings(
        rollouts, advantages, loss, other, optimizer, correction, evaluation, checkpoints);
  }

  /// These settings with another optimizer.
  public GrpoSettings withOptimizer(OptimizerSettings other) {
    return new GrpoSettings(
        rollouts, advantages, loss, update, other, correction, evaluation, checkpoints);
  }

  /// These settings with a second layer, or without.
  public GrpoSettings withCorrection(Optional<CorrectionSettings> other) {
    return new GrpoSettings(
        rollouts, advantages, loss, update, optimizer, other, evaluation, checkpoints);
  }

  /// These settings with another evaluation.
  public GrpoSettings withEvaluation(Evaluation other) {
    return new GrpoSettings(
        rollouts, advantages, loss, update, optimizer, correction, other, checkpoints);
  }

  /// These settings with other checkpoints.
  public GrpoSettings withCheckpoints(CheckpointSettings other) {
    return new GrpoSettings(
        rollouts, advantages, loss, update, optimizer, correction, evaluation, other);
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
            .put("batch_size", update.prompts(rollouts))
            .put("rollout_batch", rollouts.prompts(), update.prompts(rollouts))
            .put("group_size", rollouts.groupSize())
            .put("max_length", rollouts.maxLength())
            .put("temperature", sampling().temperature())
            .put("top_p", sampling().topP())
            .put("seed", sampling().seed())
            .put("scale_rewards", advantages.scaling().key())
            .put("negative_weight", advantages.negativeWeight(), 1.0)
            .putAll(loss.options())
            .put("num_iterations", update.iterations())
            .put("mask_truncated", update.maskTruncated())
            .put("ref_sync", update.refSync())
            .put("pass_tokens", update.passTokens())
            .put("target_kl", update.targetKl(), 0.0)
            .put("min_informative_groups", rollouts.dynamic().minGroups(), 0)
            .put(
                "max_rollout_batches",
                rollouts.dynamic().minGroups() == 0 ? 0 : rollouts.dynamic().maxBatches(),
                0)
            .put("overlong_buffer", rollouts.overlong().buffer(), 0)
            .put("overlong_penalty", rollouts.overlong().penalty(), 1.0)
            .put("on_regression", evaluation.onRegression().key(), OnRegression.WARN.key())
            .put("two_layer", correction.isPresent());
    correction.ifPresent(each -> options.putAll(each.options()));
    return options;
  }
}
