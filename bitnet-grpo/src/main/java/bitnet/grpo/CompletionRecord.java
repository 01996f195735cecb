package bitnet.grpo;

import java.util.ArrayList;
import java.util.List;

/// An answer of a step, for a log or for people.
///
/// @param step in which it was drawn, from 1
/// @param layer 1, or 2 for a correction
/// @param query what was asked
/// @param reference the right answer
/// @param first the answer that a correction corrects; empty in layer 1
/// @param completion the answer
/// @param reward its weighted reward
/// @param right whether its final answer is the reference
/// @param truncated whether it was cut off
public record CompletionRecord(
    long step,
    int layer,
    String query,
    String reference,
    String first,
    String completion,
    double reward,
    boolean right,
    boolean truncated) {

  /// The first answers of a step.
  static List<CompletionRecord> ofFirst(List<Group> groups, long step) {
    return of(groups, step, 1);
  }

  /// The corrections of a step.
  static List<CompletionRecord> of(Corrections corrections, long step) {
    return of(corrections.groups(), step, 2);
  }

  private static List<CompletionRecord> of(List<Group> groups, long step, int layer) {
    List<CompletionRecord> records = new ArrayList<>();
    for (Group group : groups) {
      String first = group.corrected() == null ? "" : group.corrected().text();
      for (Rollout rollout : group.rollouts()) {
        records.add(
            new CompletionRecord(
                step,
                layer,
                group.query(),
                group.reference(),
                first,
                rollout.text(),
                rollout.scored().total(),
                rollout.scored().correct(),
                rollout.truncated()));
      }
    }
    return records;
  }
}
