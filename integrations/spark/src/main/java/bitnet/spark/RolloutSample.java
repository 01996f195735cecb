package bitnet.spark;

import bitnet.eval.Sample;
import bitnet.grpo.Rollout;
import bitnet.grpo.RolloutRequest;
import bitnet.grpo.RolloutReward;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// The completions of a record: a line of the file that `bitnet spark rollouts` writes.
///
/// @param run what determines them
/// @param model its name, `rollouts`
/// @param index of the record, from 0
/// @param query of the record
/// @param answer of the record
/// @param completions in the order of their numbers
record RolloutSample(
    String run,
    String model,
    int index,
    String query,
    String answer,
    List<RolloutSample.Scored> completions)
    implements Sample {

  /// The name of the model in all of them.
  static final String MODEL = "rollouts";

  /// A completion.
  ///
  /// @param text of it
  /// @param tokens of it, with the one that ended it
  /// @param finish why it ended: `eos`, `stop`, `length` or `context`
  /// @param reward the weighted sum
  /// @param rewards of each reward model, unweighted
  /// @param right whether its final answer is the record's
  record Scored(
      String text, int tokens, String finish, double reward, List<Double> rewards, boolean right) {

    private static Scored of(Rollout rollout) {
      RolloutReward reward = rollout.scored();
      return new Scored(
          rollout.text(),
          rollout.length(),
          rollout.finish().name().toLowerCase(Locale.ROOT),
          reward.total(),
          Arrays.stream(reward.outcomes()).boxed().toList(),
          reward.correct());
    }
  }

  /// The completions of a prompt.
  static RolloutSample of(
      String run, int index, RolloutRequest.Prompt prompt, List<Rollout> rollouts) {
    return new RolloutSample(
        run,
        MODEL,
        index,
        prompt.query(),
        prompt.reference(),
        rollouts.stream().map(Scored::of).toList());
  }

  /// What all of them are like, for people.
  static String summary(List<RolloutSample> samples) {
    List<Scored> all = samples.stream().flatMap(sample -> sample.completions().stream()).toList();
    return String.format(
        Locale.ROOT,
        "%,d completions of %,d records: mean reward %.4f, %.1f%% right, %.1f tokens",
        all.size(),
        samples.size(),
        all.stream().mapToDouble(Scored::reward).average().orElse(0),
        100 * all.stream().mapToInt(each -> each.right() ? 1 : 0).average().orElse(0),
        all.stream().mapToInt(Scored::tokens).average().orElse(0));
  }
}
