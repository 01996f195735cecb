package bitnet.spark;

import bitnet.cli.commands.Evaluate;
import bitnet.eval.Evaluation;
import bitnet.eval.EvaluationReport;
import bitnet.eval.EvaluationRun;
import bitnet.eval.Sample;
import bitnet.eval.SamplesFile;
import bitnet.runtime.RuntimeSettings;
import bitnet.setting.SettingChecks;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `bitnet spark evaluate`: the options, samples and figures of `bitnet evaluate`, with the records
/// evaluated by executors.
@Command(
    name = "evaluate",
    description =
        "Evaluate models like bitnet evaluate, with the records spread over the executors of a"
            + " cluster.",
    sortOptions = false)
final class SparkEvaluate extends Evaluate {

  @Option(
      names = "--records_per_task",
      paramLabel = "N",
      description =
          "Records that a task evaluates, at least 1; affects speed only, not results (default:"
              + " four batches).")
  private @Nullable Integer recordsPerTask;

  @Mixin private ClusterOptions cluster;

  private SparkEvaluate() {}

  @Override
  public Integer call() throws IOException {
    Master _ = cluster.master(); // a wrong one is told before anything is read
    ClusterOptions.requireSpark();
    if (recordsPerTask != null) {
      SettingChecks.atLeast("records_per_task", recordsPerTask, 1);
    }
    return super.call();
  }

  @Override
  protected <S extends Sample> EvaluationReport report(
      EvaluationRun run,
      Evaluation<S> evaluation,
      SamplesFile<S> kept,
      EvaluationRun.Progress progress)
      throws IOException {
    PrintWriter err = spec().commandLine().getErr();
    try (Cluster connected =
        Cluster.connect(cluster, "evaluate", line -> err.println("bitnet: " + line))) {
      SparkEvaluator evaluator =
          new SparkEvaluator(
              connected,
              run,
              TwinArguments.of(spec(), absolutePaths()),
              recordsPerTask == null ? OptionalInt.empty() : OptionalInt.of(recordsPerTask));
      EvaluationReport report = run.evaluate(evaluation, kept, progress, evaluator);
      say(evaluator.summary());
      return report;
    }
  }

  /// Executors work in directories of their own.
  private List<String> absolutePaths() {
    List<String> paths = new ArrayList<>();
    Path dataset = dataset();
    if (dataset != null) {
      paths.add("--dataset=" + dataset.toAbsolutePath());
    }
    return paths;
  }

  /// The evaluation on an executor.
  ///
  /// @param arguments of the driver's command
  /// @throws IOException if its records cannot be read here
  static Evaluation<?> evaluation(List<String> arguments) throws IOException {
    return TwinArguments.parsed(new SparkEvaluate(), arguments).evaluation();
  }

  /// How models are computed on an executor, whose cores may be others than the driver's.
  static RuntimeSettings runtime(List<String> arguments) {
    return TwinArguments.parsed(new SparkEvaluate(), arguments).runtimeSettings();
  }
}
