package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.reward.FinalAnswer;
import bitnet.reward.RewardScore;
import bitnet.reward.WeightedReward;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What the rewards say of an answer.
///
/// @param reward the weighted sum
/// @param outcomes of every reward, unweighted
/// @param tokenScores what counts for each token: the weighted outcomes, or for a reward that
///     judges parts the mean of those that end with the token or after it. The paper on process
///     supervision (arXiv 2402.03300) takes their sum; the mean keeps the reward's weight whatever
///     the length of the answer.
/// @param right whether the final answer is the reference
record Judgement(double reward, double[] outcomes, double[] tokenScores, boolean right) {

  static Judgement of(WeightedReward rewards, QaRecord query, Sample sample, int[] ends) {
    List<RewardScore> scores = rewards.scores(query.query(), query.answer(), sample.text());
    double[] tokens = new double[sample.length()];
    for (int i = 0; i < scores.size(); i++) {
      double weight = rewards.terms().get(i).weight();
      double[] values = scores.get(i).isDense() ? toGo(scores.get(i), ends) : new double[] {};
      for (int t = 0; t < tokens.length; t++) {
        tokens[t] += weight * (values.length == 0 ? scores.get(i).outcome() : values[t]);
      }
    }
    return new Judgement(
        rewards.weigh(scores).outcome(),
        scores.stream().mapToDouble(RewardScore::outcome).toArray(),
        tokens,
        FinalAnswer.isRight(query.answer(), sample.text()));
  }

  /// For each token the mean score of the parts that end with it or later; after the last part
  /// that part's.
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

  /// The advantage of every token over the mean of the answer's group.
  ///
  /// @param judgements of whole groups, one after the other
  /// @return `[answer][token]`
  static double[][] advantages(List<Judgement> judgements, int groupSize, RewardScaling scaling) {
    double[] whole = judgements.stream().mapToDouble(each -> each.tokenScores()[0]).toArray();
    double[] factors = GroupAdvantages.factors(whole, groupSize, scaling);
    double[][] advantages = new double[whole.length][];
    for (int i = 0; i < whole.length; i++) {
      double mean = GroupAdvantages.mean(GroupAdvantages.group(whole, groupSize, i / groupSize));
      double factor = factors[i];
      advantages[i] =
          Arrays.stream(judgements.get(i).tokenScores())
              .map(score -> (score - mean) * factor)
              .toArray();
    }
    return advantages;
  }
}
