package bitnet.grpo;

import bitnet.generation.FinishReason;
import bitnet.generation.RandomStream;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Successful corrections of earlier steps, the newest last. Belongs into the checkpoint.
///
/// @param entries in the order in which they were made
record ReplayBuffer(List<Entry> entries) {
  static final ReplayBuffer EMPTY = new ReplayBuffer(List.of());

  /// A correction.
  ///
  /// @param prompt its tokens
  /// @param response its tokens
  /// @param oldLogProbabilities by the policy that drew it
  /// @param advantage that it had
  record Entry(int[] prompt, int[] response, double[] oldLogProbabilities, double advantage) {

    /// The correction of a rollout.
    static Entry of(Rollout rollout, double advantage) {
      return new Entry(
          rollout.prompt(), rollout.completion(), rollout.samplerLogProbabilities(), advantage);
    }

    /// The correction as a rollout with its advantage.
    Rollout rollout() {
      double[] advantages = new double[response.length];
      Arrays.fill(advantages, advantage);
      return new Rollout(
          prompt,
          response,
          oldLogProbabilities,
          FinishReason.EOS,
          "",
          null,
          new Rollout.Advantages(advantages, true),
          new double[0]);
    }
  }

  @JsonCreator
  ReplayBuffer(@JsonProperty("entries") List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /// With more entries; the oldest ones are dropped.
  ReplayBuffer with(List<Entry> more, int capacity) {
    List<Entry> all = new ArrayList<>(entries);
    all.addAll(more);
    return new ReplayBuffer(all.subList(Math.max(0, all.size() - capacity), all.size()));
  }

  /// Different entries, as many as asked for or all.
  List<Entry> draw(int count, RandomStream random) {
    List<Entry> left = new ArrayList<>(entries);
    List<Entry> drawn = new ArrayList<>();
    while (drawn.size() < count && !left.isEmpty()) {
      drawn.add(left.remove((int) (random.at(drawn.size()) * left.size())));
    }
    return drawn;
  }
}
