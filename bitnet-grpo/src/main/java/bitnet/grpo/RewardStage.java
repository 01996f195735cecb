package bitnet.grpo;

import bitnet.reward.FinalAnswer;
import bitnet.reward.RewardScore;
import bitnet.reward.WeightedReward;
import bitnet.tokenizer.StreamDecoder;
import bitnet.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/// The second stage of a step: scores completions.
///
/// @param rewards used by one thread at a time
/// @param tokenizer of the policy
public record RewardStage(WeightedReward rewards, Tokenizer tokenizer) {

  /// The groups with the rewards of their rollouts.
  public List<Group> score(List<Group> groups) {
    return groups.stream()
        .map(
            group ->
                group.map(
                    rollout ->
                        rollout.withReward(score(group.query(), group.reference(), rollout))))
        .toList();
  }

  private RolloutReward score(String query, String reference, Rollout rollout) {
    return score(rewards, query, reference, rollout, ends(rollout));
  }

  /// @param ends where each token ends in the text, in characters
  static RolloutReward score(
      WeightedReward rewards, String query, String reference, Rollout rollout, int[] ends) {
    List<RewardScore> scores = rewards.scores(query, reference, rollout.text());
    double[] tokens = new double[rollout.length()];
    for (int i = 0; i < scores.size(); i++) {
      double weight = rewards.terms().get(i).weight();
      double[] values = scores.get(i).isDense() ? toGo(scores.get(i), ends) : new double[] {};
      for (int t = 0; t < tokens.length; t++) {
        tokens[t] += weight * (values.length == 0 ? scores.get(i).outcome() : values[t]);
      }
    }
    return new RolloutReward(
        rewards.weigh(scores).outcome(),
        scores.stream().mapToDouble(RewardScore::outcome).toArray(),
        tokens,
        FinalAnswer.isRight(reference, rollout.text()));
  }

  /// For each token the mean score of the parts that end with it or later; after the last part the
  /// score of the last part.
  private static double[] toGo(RewardScore score, int[] ends) {
    double[] sums = score.onto(ends);
    List<RewardScore.Part> ones = new ArrayList<>();
    score.parts().forEach(part -> ones.add(new RewardScore.Part(part.end(), 1)));
    double[] counts = new RewardScore(0, ones).onto(ends);
    double sum = 0;
    double count = 0;
    double last = score.parts().getLast().score();
    double[] means = new double[ends.length];
    for (int t = ends.length - 1; t >= 0; t--) {
      sum += sums[t];
      count += counts[t];
      means[t] = count == 0 ? last : sum / count;
    }
    return means;
  }

  /// Where each token of a completion ends in its text, in characters.
  private int[] ends(Rollout rollout) {
    StreamDecoder decoder = tokenizer.streamDecoder();
    int[] completion = rollout.completion();
    int[] ends = new int[completion.length];
    int length = 0;
    for (int i = 0; i < completion.length; i++) {
      boolean spelled = completion[i] < tokenizer.vocabSize();
      length += spelled ? decoder.next(completion[i]).length() : 0;
      ends[i] = Math.min(length, rollout.text().length());
    }
    return ends;
  }
}
