package bitnet.grpo;

import bitnet.generation.Completion;
import bitnet.generation.FinishReason;
import bitnet.training.PromptCompletion;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A sampled completion, and what the stages of GRPO have found out about it. Immutable: each stage
/// returns a copy with its field. Jackson writes and reads it.
///
/// @param prompt token ids, at least one
/// @param completion token ids, at least one, with the token that ended it
/// @param samplerLogProbabilities natural logarithms of the completion tokens' probabilities under
///     the policy that sampled them, at temperature 1
/// @param finish why the completion ended
/// @param text the completion
/// @param reward null before it is scored
/// @param advantages null before they are computed
/// @param referenceLogProbabilities of the completion tokens under the reference policy; empty
///     without a reference
public record Rollout(
    int[] prompt,
    int[] completion,
    double[] samplerLogProbabilities,
    FinishReason finish,
    String text,
    @Nullable RolloutReward reward,
    @Nullable Advantages advantages,
    double[] referenceLogProbabilities)
    implements PromptCompletion {

  /// The advantages of the completion tokens.
  ///
  /// @param values one for each token; all equal if the completion was scored as a whole
  /// @param counted whether the completion takes part in the loss; a truncated one may be excluded
  public record Advantages(double[] values, boolean counted) {}

  /// Checks the numbers of tokens.
  ///
  /// @throws IllegalArgumentException if they differ, or there is no token
  public Rollout {
    int length = completion.length;
    if (prompt.length == 0 || length == 0) {
      throw new IllegalArgumentException(
          "a prompt of %d tokens with a completion of %d is invalid: neither may be empty"
              .formatted(prompt.length, length));
    }
    requireLength("sampler log-probabilities", samplerLogProbabilities.length, length);
    if (advantages != null) {
      requireLength("advantages", advantages.values().length, length);
    }
    if (referenceLogProbabilities.length > 0) {
      requireLength("reference log-probabilities", referenceLogProbabilities.length, length);
    }
  }

  private static void requireLength(String what, int actual, int expected) {
    if (actual != expected) {
      throw new IllegalArgumentException(
          "%d %s for a completion of %d tokens; give one for each"
              .formatted(actual, what, expected));
    }
  }

  /// A completion as it was sampled.
  static Rollout of(int[] prompt, Completion completion) {
    return new Rollout(
        prompt,
        completion.tokens(),
        completion.modelLogProbabilities(),
        completion.finish(),
        completion.text(),
        null,
        null,
        new double[0]);
  }

  /// With its reward.
  public Rollout withReward(RolloutReward other) {
    return new Rollout(
        prompt,
        completion,
        samplerLogProbabilities,
        finish,
        text,
        other,
        advantages,
        referenceLogProbabilities);
  }

  /// With the advantages of its tokens.
  public Rollout withAdvantages(Advantages other) {
    return new Rollout(
        prompt,
        completion,
        samplerLogProbabilities,
        finish,
        text,
        reward,
        other,
        referenceLogProbabilities);
  }

  /// With the log-probabilities of its tokens under the reference policy.
  public Rollout withReferenceLogProbabilities(double[] other) {
    return new Rollout(
        prompt, completion, samplerLogProbabilities, finish, text, reward, advantages, other);
  }

  /// Tokens of the completion.
  public int length() {
    return completion.length;
  }

  /// Whether the completion was cut off by a limit of its length.
  public boolean truncated() {
    return finish == FinishReason.LENGTH || finish == FinishReason.CONTEXT;
  }

  /// The reward.
  ///
  /// @throws IllegalStateException if the completion has not been scored
  public RolloutReward scored() {
    if (reward == null) {
      throw new IllegalStateException("the rollout has no reward; score it first");
    }
    return reward;
  }

  /// The advantages.
  ///
  /// @throws IllegalStateException if they have not been computed
  Advantages learnable() {
    if (advantages == null) {
      throw new IllegalStateException("the rollout has no advantages; compute them first");
    }
    return advantages;
  }

  /// Whether the loss can depend on the probabilities of its tokens.
  boolean hasGradient() {
    return learnable().counted()
        && (referenceLogProbabilities.length > 0
            || Arrays.stream(learnable().values()).anyMatch(advantage -> advantage != 0));
  }
}
