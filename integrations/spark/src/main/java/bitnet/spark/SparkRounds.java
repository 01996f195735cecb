package bitnet.spark;

import bitnet.diloco.OuterEffect;
import bitnet.diloco.RoundExecutor;
import bitnet.diloco.RoundPlan;
import bitnet.diloco.RoundResult;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// Runs the workers of a round on executors, each as a task of an ordinary stage: Spark repeats a
/// task whose executor was lost, and it writes the same bytes.
final class SparkRounds implements RoundExecutor {
  private final Cluster cluster;
  private final ArrayList<String> arguments;
  private final Duration hangTimeout;

  /// @param cluster closed by its owner
  /// @param arguments of the command, for executors
  /// @param hangTimeout longest time between two steps; zero: any
  SparkRounds(Cluster cluster, List<String> arguments, Duration hangTimeout) {
    this.cluster = cluster;
    this.arguments = new ArrayList<>(arguments);
    this.hangTimeout = hangTimeout;
  }

  @Override
  public List<RoundResult> run(RoundPlan plan) throws IOException {
    List<RoundTask> tasks = new ArrayList<>();
    for (int shard = 0; shard < plan.workers(); shard++) {
      tasks.add(new RoundTask(arguments, plan, shard, hangTimeout));
    }
    List<RoundResult> results = new ArrayList<>();
    cluster.run(tasks, results::add);
    return results;
  }

  @Override
  public OuterEffect effect(RoundPlan plan) throws IOException {
    List<OuterEffect> effects = new ArrayList<>();
    cluster.run(List.of(new EffectTask(arguments, plan)), effects::add);
    return effects.getFirst();
  }
}
