package bitnet.grpo;

import bitnet.generation.SamplingSettings;
import bitnet.graph.ForwardPass;
import bitnet.training.LearningRateSchedule;
import java.util.Optional;

/// How a GRPO run goes.
///
/// Probabilities in the loss are the policy's own, at temperature 1, also where answers are drawn
/// at another temperature or from the most probable tokens only.
///
/// @param queries of a step
/// @param groupSize answers to each
/// @param maxLength the most tokens of an answer
/// @param sampling how answers are drawn; its seed also orders the queries
/// @param scaling of advantages
/// @param loss of the tokens
/// @param iterations updates with the answers of a step
/// @param maskTruncated whether answers that were cut off are left out of the loss
/// @param schedule learning rate and weight decay by step
/// @param clip the longest gradient; 0: any
/// @param refSync steps after which the reference becomes the policy; 0: it stays the first model
/// @param keep what a forward pass keeps
/// @param passTokens the most tokens in one pass through the graph, filling included
/// @param correction of first answers; empty for one layer
/// @param evalInterval steps between two looks at the held-out questions; 0: at the end only
/// @param saveInterval steps between two checkpoints; 0: at the end only
/// @param keptCheckpoints how many of them stay
public record GrpoSettings(
    int queries,
    int groupSize,
    int maxLength,
    SamplingSettings sampling,
    RewardScaling scaling,
    GrpoLoss loss,
    int iterations,
    boolean maskTruncated,
    LearningRateSchedule schedule,
    double clip,
    long refSync,
    ForwardPass.Keep keep,
    int passTokens,
    Optional<CorrectionSettings> correction,
    long evalInterval,
    long saveInterval,
    int keptCheckpoints) {

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public GrpoSettings {
    atLeast("batch_size", queries, 1);
    atLeast("group_size", groupSize, 2);
    atLeast("max_length", maxLength, 1);
    atLeast("num_iterations", iterations, 1);
    atLeast("ref_sync", refSync, 0);
    atLeast("pass_tokens", passTokens, 1);
    atLeast("eval_interval", evalInterval, 0);
    atLeast("save_interval", saveInterval, 0);
    atLeast("keep", keptCheckpoints, 1);
    if (sampling.temperature() == 0) {
      throw new IllegalArgumentException("temperature 0 makes all answers of a group equal; use 1");
    }
    if (!(clip >= 0 && Double.isFinite(clip))) {
      throw new IllegalArgumentException(
          "clip %s is not a finite number of at least 0; use 1".formatted(clip));
    }
    if (refSync > 0 && loss.beta() == 0) {
      throw new IllegalArgumentException(
          "ref_sync %d without a reference; give a beta above 0, or leave it out"
              .formatted(refSync));
    }
    if (keep == ForwardPass.Keep.NOTHING) {
      throw new IllegalArgumentException("training must keep what its gradients need");
    }
  }

  static void atLeast(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s %d is too small; it must be at least %d".formatted(name, value, least));
    }
  }

  /// Whether there is a reference policy.
  boolean isCompared() {
    return loss.beta() > 0;
  }

  /// Everything that changes the numbers of a run, as text: a run may only be resumed with equals.
  String fingerprint() {
    return "batch %d, group %d, max_length %d, %s, scale_rewards %s, %s, num_iterations %d, "
            .formatted(queries, groupSize, maxLength, sampling, scaling.key(), loss, iterations)
        + "mask_truncated %s, %s, clip %s, ref_sync %d, pass_tokens %d, %s"
            .formatted(
                maskTruncated,
                schedule,
                clip,
                refSync,
                passTokens,
                correction.map(CorrectionSettings::fingerprint).orElse("one layer"));
  }
}
