package bitnet.spark;

import bitnet.cli.commands.TrainGrpo;
import bitnet.grpo.GrpoListener;
import bitnet.grpo.GrpoRun;
import bitnet.setting.SettingChecks;
import java.io.IOException;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `bitnet spark train-grpo`: the options and numbers of `bitnet train-grpo`, with the completions
/// drawn and scored by executors; the update runs in this process.
@Command(
    name = "train-grpo",
    description =
        "Train a model like bitnet train-grpo, with completions sampled and scored by the executors"
            + " of a cluster and the update in this process.",
    sortOptions = false)
final class SparkTrainGrpo extends TrainGrpo {

  @Option(
      names = "--rollout_tasks",
      paramLabel = "N",
      description =
          "Tasks that the prompts of a batch are divided into, at least 1; affects speed only, not"
              + " results (default: one per executor).")
  private @Nullable Integer rolloutTasks;

  @Mixin private ClusterOptions cluster;

  private SparkTrainGrpo() {}

  @Override
  public Integer call() throws IOException {
    Master _ = cluster.master(); // a wrong one is told before anything is read
    ClusterOptions.requireSpark();
    if (rolloutTasks != null) {
      SettingChecks.atLeast("rollout_tasks", rolloutTasks, 1);
    }
    return super.call();
  }

  @Override
  protected boolean run(GrpoRun run, GrpoListener listener, Consumer<String> say)
      throws IOException {
    try (LateCluster late = new LateCluster(cluster, "train-grpo", say)) {
      return run.run(
          listener,
          say,
          (sampler, rewards) ->
              new SparkRollouts(
                  late,
                  sampler,
                  RolloutSetup.of(
                      run.modelPath(), sampler, rewards, run.rewards(), run.compute().runtime()),
                  rolloutTasks == null ? OptionalInt.empty() : OptionalInt.of(rolloutTasks)));
    }
  }
}
