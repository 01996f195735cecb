package bitnet.grpo;

import java.util.Arrays;

/// The rewards of a completion.
///
/// @param total the weighted sum
/// @param outcomes of every reward, unweighted
/// @param tokenScores the score of each completion token: the weighted outcomes, or for a reward
///     that scores parts the mean of the parts that end at or after the token (the reward-to-go).
///     The paper on process supervision (arXiv 2402.03300) takes their sum; the mean keeps the
///     weight of the
///     reward whatever the length of the completion.
/// @param correct whether the final answer is the reference answer
public record RolloutReward(
    double total, double[] outcomes, double[] tokenScores, boolean correct) {

  /// The same rewards with a penalty taken from the total and from every token's score.
  RolloutReward minus(double penalty) {
    return penalty == 0
        ? this
        : new RolloutReward(
            total - penalty,
            outcomes,
            Arrays.stream(tokenScores).map(score -> score - penalty).toArray(),
            correct);
  }
}
