package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.reward.WeightedReward;
import java.util.ArrayList;
import java.util.List;

/// Answers with the questions they belong to and what the rewards say of them.
///
/// @param queries one for each answer
/// @param samples the answers
/// @param judgements one for each answer
record Judged(List<QaRecord> queries, List<Sample> samples, List<Judgement> judgements) {

  static Judged of(
      List<QaRecord> queries, List<Sample> samples, WeightedReward rewards, Rollouts rollouts) {
    List<Judgement> judgements = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      judgements.add(Judgement.of(rewards, queries.get(i), sample, rollouts.ends(sample)));
    }
    return new Judged(queries, samples, judgements);
  }

  int size() {
    return samples.size();
  }

  long tokens() {
    return samples.stream().mapToLong(Sample::length).sum();
  }

  double reward(int i) {
    return judgements.get(i).reward();
  }

  boolean isRight(int i) {
    return judgements.get(i).right();
  }

  double[] rewards() {
    return judgements.stream().mapToDouble(Judgement::reward).toArray();
  }

  /// Share of the answers that are right.
  double accuracy() {
    return share(judgements.stream().filter(Judgement::right).count());
  }

  double share(long count) {
    return samples.isEmpty() ? 0 : (double) count / samples.size();
  }
}
