package bitnet.spark;

import bitnet.grpo.Rollout;
import bitnet.grpo.RolloutRequest;
import bitnet.grpo.RolloutSampler;
import bitnet.grpo.RolloutSource;
import bitnet.grpo.ScoredRollouts;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.apache.spark.broadcast.Broadcast;
import org.jspecify.annotations.Nullable;

/// Draws and scores completions on executors. The policy is broadcast whole when a run begins and
/// whenever that is smaller than what has changed since; else only what has changed is.
final class SparkRollouts implements RolloutSource {
  private final LateCluster late;
  private final RolloutSampler sampler;
  private final byte[] setup;
  private final OptionalInt tasks;
  private RolloutTask.@Nullable Policy policy; // that was broadcast last
  private byte[][] whole = {}; // what it is relative to
  private long sentBytes;

  /// @param sampler of the policy in this process
  /// @param setup what executors need besides the policy
  /// @param tasks in which a request is divided; empty: one for each executor
  SparkRollouts(LateCluster late, RolloutSampler sampler, RolloutSetup setup, OptionalInt tasks)
      throws IOException {
    this.late = late;
    this.sampler = sampler;
    this.setup = JsonBytes.of(setup);
    this.tasks = tasks;
  }

  @Override
  public ScoredRollouts draw(RolloutRequest request) throws IOException {
    int prompts = request.prompts().size();
    if (prompts == 0) {
      return new ScoredRollouts(List.of(), 0, 0);
    }
    long start = System.nanoTime();
    int count = Math.min(prompts, tasks.orElse(late.cluster().executors()));
    List<RolloutRequest> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      parts.add(
          request.part(
              (int) ((long) prompts * i / count), (int) ((long) prompts * (i + 1) / count)));
    }
    List<List<Rollout>> rollouts = new ArrayList<>();
    double[] scoring = {0}; // of the task that took longest
    draw(
        parts,
        drawn -> {
          rollouts.addAll(drawn.rollouts());
          scoring[0] = Math.max(scoring[0], drawn.scoringSeconds());
        });
    double seconds = (System.nanoTime() - start) / 1e9;
    return new ScoredRollouts(rollouts, seconds - scoring[0], scoring[0]);
  }

  /// Draws the completions of several requests, a task each.
  ///
  /// @param listener hears of them in their order
  void draw(List<RolloutRequest> requests, Cluster.ResultListener<ScoredRollouts> listener)
      throws IOException {
    Cluster cluster = late.cluster();
    List<RolloutTask> work = new ArrayList<>();
    RolloutTask.Policy current = policy(cluster);
    for (RolloutRequest request : requests) {
      work.add(new RolloutTask(setup, current, JsonBytes.of(request)));
    }
    int[] done = {0};
    cluster.run(
        work,
        result -> {
          List<List<Rollout>> rollouts =
              JsonBytes.read(result.rollouts(), new TypeReference<List<List<Rollout>>>() {});
          requireSameTokens(requests.get(done[0]++), rollouts, result.executor());
          listener.ended(
              new ScoredRollouts(rollouts, result.samplingSeconds(), result.scoringSeconds()));
        });
  }

  /// The tokens of prompts show whether an executor has the driver's tokenizer.
  private void requireSameTokens(
      RolloutRequest request, List<List<Rollout>> rollouts, String executor) throws TaskRefusal {
    for (int i = 0; i < rollouts.size(); i++) {
      int[] expected = sampler.encode(request.prompts().get(i).text());
      for (Rollout rollout : rollouts.get(i)) {
        if (!Arrays.equals(rollout.prompt(), expected)) {
          throw new TaskRefusal(
              "%s: the model's tokenizer is another one than the driver's; copy the model again, or use storage that all machines share"
                  .formatted(executor));
        }
      }
    }
  }

  /// The policy as it was packed last, broadcast unless it was before.
  private RolloutTask.Policy policy(Cluster cluster) throws IOException {
    RolloutTask.Policy current = policy;
    if (current == null) {
      current = whole(cluster);
    } else if (current.version() != sampler.version()) {
      current.changes().destroy(); // no task reads them any more
      byte[] @Nullable [] changes = PolicyImage.changes(sampler.policy(), whole);
      long bytes = PolicyImage.bytes(changes);
      if (bytes < PolicyImage.bytes(whole)) {
        current =
            new RolloutTask.Policy(
                sampler.version(), current.whole(), send(cluster, changes, bytes));
      } else {
        current.whole().destroy();
        current = whole(cluster);
      }
    }
    policy = current;
    return current;
  }

  private RolloutTask.Policy whole(Cluster cluster) throws IOException {
    whole = PolicyImage.whole(sampler.policy());
    byte[] @Nullable [] none = new byte[whole.length] @Nullable [];
    return new RolloutTask.Policy(
        sampler.version(), send(cluster, whole, PolicyImage.bytes(whole)), send(cluster, none, 0));
  }

  private <B> Broadcast<B> send(Cluster cluster, B blocks, long bytes) {
    sentBytes += bytes;
    return cluster.broadcast(blocks);
  }

  @Override
  public String sent() {
    String text = sentBytes == 0 ? "" : "broadcast %,d bytes".formatted(sentBytes);
    sentBytes = 0;
    return text;
  }
}
