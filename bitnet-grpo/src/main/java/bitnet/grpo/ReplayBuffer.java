package bitnet.grpo;

import bitnet.generation.FinishReason;
import bitnet.generation.RandomStream;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Successful corrections of earlier steps, the newest last. Belongs into the checkpoint.
///
/// @param entries in the order in which they were made
record ReplayBuffer(List<Entry> entries) {
  static final ReplayBuffer EMPTY = new ReplayBuffer(List.of());

  /// A correction.
  ///
  /// @param prompt its tokens
  /// @param response its tokens
  /// @param oldLogProbabilities under the policy that sampled it, in the distribution it was
  ///     sampled from
  /// @param candidates of each token, as [Rollout.Sampled#candidates]
  /// @param advantages that its tokens had
  /// @param step in which it was sampled, from 0; -1 if version 0.1.0 wrote it
  record Entry(
      int[] prompt,
      int[] response,
      double[] oldLogProbabilities,
      int[][] candidates,
      double[] advantages,
      long step) {

    @JsonCreator
    static Entry read(
        @JsonProperty("prompt") int[] prompt,
        @JsonProperty("response") int[] response,
        @JsonProperty("oldLogProbabilities") double[] oldLogProbabilities,
        @JsonProperty("candidates") int @Nullable [][] candidates,
        @JsonProperty("advantages") double @Nullable [] advantages,
        @JsonProperty("advantage") @Nullable Double advantage,
        @JsonProperty("step") @Nullable Long step) {
      double[] values = advantages;
      if (values == null) { // version 0.1.0
        values = new double[response.length];
        Arrays.fill(values, advantage == null ? 0 : advantage);
      }
      return new Entry(
          prompt,
          response,
          oldLogProbabilities,
          candidates == null ? new int[0][] : candidates,
          values,
          step == null ? -1 : step);
    }

    /// The correction of a rollout with advantages.
    static Entry of(Rollout rollout, long step) {
      return new Entry(
          rollout.prompt(),
          rollout.completion(),
          rollout.samplerLogProbabilities(),
          rollout.candidates(),
          rollout.learnable().values(),
          step);
    }

    /// The correction as a rollout with its advantages.
    Rollout rollout() {
      double[] unknown = new double[response.length];
      Arrays.fill(unknown, Double.NaN);
      return new Rollout(
          prompt,
          response,
          new Rollout.Sampled(oldLogProbabilities, unknown, candidates),
          FinishReason.EOS,
          "",
          null,
          new Rollout.Advantages(advantages, true));
    }
  }

  @JsonCreator
  ReplayBuffer(@JsonProperty("entries") List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /// Without the entries of steps before that one.
  ReplayBuffer since(long step) {
    return new ReplayBuffer(entries.stream().filter(entry -> entry.step >= step).toList());
  }

  /// The mean number of steps since entries were sampled.
  static double meanAge(List<Entry> entries, long step) {
    return entries.stream().mapToLong(entry -> step - entry.step).average().orElse(0);
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
