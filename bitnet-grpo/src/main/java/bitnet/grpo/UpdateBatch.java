package bitnet.grpo;

import java.util.ArrayList;
import java.util.List;

/// The completions of one optimizer step.
///
/// @param rollouts of this step, with advantages; those of one prompt are consecutive
/// @param replayed completions of earlier steps, with advantages and the log-probabilities of the
///     policy that sampled them
record UpdateBatch(List<Rollout> rollouts, List<Rollout> replayed) {

  UpdateBatch {
    rollouts = List.copyOf(rollouts);
    replayed = List.copyOf(replayed);
  }

  /// Both together.
  List<Rollout> all() {
    List<Rollout> all = new ArrayList<>(rollouts);
    all.addAll(replayed);
    return all;
  }

  /// Batches of so many groups each, the last may have fewer.
  ///
  /// @param replayed are dealt out among them
  static List<UpdateBatch> of(List<Group> groups, int groupsPerBatch, List<Rollout> replayed) {
    int count = Math.max(1, Math.ceilDiv(groups.size(), groupsPerBatch));
    List<UpdateBatch> batches = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int end = Math.min(groups.size(), (i + 1) * groupsPerBatch);
      List<Rollout> dealt = new ArrayList<>();
      for (int j = i; j < replayed.size(); j += count) {
        dealt.add(replayed.get(j));
      }
      batches.add(
          new UpdateBatch(
              GrpoMetrics.rollouts(groups.subList(Math.min(i * groupsPerBatch, end), end)), dealt));
    }
    return batches;
  }
}
