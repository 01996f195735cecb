package bitnet.grpo;

import bitnet.data.QaRecord;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The completions of one prompt: the group that GRPO's advantages are relative to. Jackson writes
/// and reads it.
///
/// @param query of the dataset
/// @param reference the right answer
/// @param corrected the first answer that these completions correct; null in the first layer
/// @param rollouts at least one
public record Group(
    String query, String reference, @Nullable Rollout corrected, List<Rollout> rollouts) {

  /// Copies the list.
  public Group {
    rollouts = List.copyOf(rollouts);
  }

  /// Completions of the prompt of a record.
  static Group of(QaRecord record, List<Rollout> rollouts) {
    return new Group(record.query(), record.answer(), null, rollouts);
  }

  /// The same group with each rollout replaced.
  Group map(UnaryOperator<Rollout> stage) {
    return new Group(query, reference, corrected, rollouts.stream().map(stage).toList());
  }

  /// The same group with other rollouts.
  Group with(List<Rollout> others) {
    return new Group(query, reference, corrected, others);
  }

  /// Whether the rewards differ, so that the group has something to compare.
  boolean isInformative() {
    return GroupAdvantages.deviation(rewards()) > 0;
  }

  /// The total rewards.
  double[] rewards() {
    return rollouts.stream().mapToDouble(rollout -> rollout.scored().total()).toArray();
  }
}
