package bitnet.grpo;

import bitnet.data.QaRecord;
import java.util.List;
import java.util.stream.IntStream;

/// Completions with their rewards.
///
/// @param rollouts `[prompt][sample]`, scored
/// @param samplingSeconds what drawing them took
/// @param scoringSeconds what scoring them took
public record ScoredRollouts(
    List<List<Rollout>> rollouts, double samplingSeconds, double scoringSeconds) {

  /// Copies the lists.
  public ScoredRollouts {
    rollouts = rollouts.stream().map(List::copyOf).toList();
  }

  /// The completions as groups of the records whose queries were the prompts.
  List<Group> groups(List<QaRecord> records) {
    return IntStream.range(0, records.size())
        .mapToObj(i -> Group.of(records.get(i), rollouts.get(i)))
        .toList();
  }
}
