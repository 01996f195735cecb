package bitnet.grpo;

import bitnet.generation.Completion;
import bitnet.generation.FinishReason;
import bitnet.generation.SampledToken;
import bitnet.generation.SamplingDistribution;
import bitnet.training.PromptCompletion;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A sampled completion, and what the stages of GRPO have found out about it. Immutable: each stage
/// returns a copy with its field. Jackson writes and reads it.
///
/// @param prompt token ids, at least one
/// @param completion token ids, at least one, with the token that ended it
/// @param sampled how probable the completion tokens were when they were drawn
/// @param finish why the completion ended
/// @param text the completion
/// @param reward null before it is scored
/// @param advantages null before they are computed
public record Rollout(
    int[] prompt,
    int[] completion,
    Sampled sampled,
    FinishReason finish,
    String text,
    @Nullable RolloutReward reward,
    @Nullable Advantages advantages)
    implements PromptCompletion {

  /// The distributions that the completion tokens were drawn from: the sampling policy's at the
  /// temperature and with the filters of the rollout.
  ///
  /// @param logProbabilities natural logarithms of the tokens' probabilities
  /// @param entropies in nats, one for each token
  /// @param candidates for each token the ids that the filters kept; empty without filters
  public record Sampled(double[] logProbabilities, double[] entropies, int[][] candidates) {

    /// Tokens that were drawn from the whole vocabulary, with entropies that nobody knows.
    public static Sampled of(double... logProbabilities) {
      double[] unknown = new double[logProbabilities.length];
      Arrays.fill(unknown, Double.NaN);
      return new Sampled(logProbabilities, unknown, new int[0][]);
    }

    static Sampled of(Completion completion) {
      int[][] candidates =
          completion.sampled().stream()
              .map(token -> distribution(token).candidates())
              .toArray(int[][]::new);
      boolean filtered = Arrays.stream(candidates).anyMatch(each -> each.length > 0);
      return new Sampled(
          completion.logProbabilities(),
          completion.sampled().stream()
              .mapToDouble(token -> distribution(token).entropy())
              .toArray(),
          filtered ? candidates : new int[0][]);
    }

    /// A greedy choice has no distribution: it is certain.
    private static SamplingDistribution distribution(SampledToken token) {
      return Objects.requireNonNullElse(
          token.distribution(), new SamplingDistribution(0, new int[0]));
    }
  }

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
    requireLength("sampler log-probabilities", sampled.logProbabilities().length, length);
    requireLength("entropies", sampled.entropies().length, length);
    if (sampled.candidates().length > 0) {
      requireLength("lists of candidates", sampled.candidates().length, length);
    }
    if (advantages != null) {
      requireLength("advantages", advantages.values().length, length);
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
        Sampled.of(completion),
        completion.finish(),
        completion.text(),
        null,
        null);
  }

  /// With its reward.
  public Rollout withReward(RolloutReward other) {
    return new Rollout(prompt, completion, sampled, finish, text, other, advantages);
  }

  /// With the advantages of its tokens.
  public Rollout withAdvantages(Advantages other) {
    return new Rollout(prompt, completion, sampled, finish, text, reward, other);
  }

  @Override
  public int[][] candidates() {
    return sampled.candidates();
  }

  /// The log-probabilities of the completion tokens under the policy that sampled them.
  double[] samplerLogProbabilities() {
    return sampled.logProbabilities();
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

  /// Whether any token of the completion has an advantage that counts.
  boolean hasAdvantage() {
    return learnable().counted()
        && Arrays.stream(learnable().values()).anyMatch(advantage -> advantage != 0);
  }
}
