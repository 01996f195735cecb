package bitnet.spark;

import bitnet.cli.commands.TrainCe;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.TrainingOutput;
import bitnet.diloco.DeltaType;
import bitnet.diloco.DiLoCoRun;
import bitnet.diloco.DiLoCoSettings;
import bitnet.diloco.RoundReport;
import bitnet.diloco.SequentialRounds;
import bitnet.metrics.LogColumns;
import bitnet.metrics.MetricsLog;
import bitnet.setting.SettingChecks;
import bitnet.storage.WriteLock;
import bitnet.training.CrossEntropyRun;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `bitnet spark train-ce`: `bitnet train-ce` with several workers, which train on a part of the
/// text each and are joined every so many steps (DiLoCo).
@Command(
    name = "train-ce",
    description =
        "Train a model on text with several workers (DiLoCo): each does --inner_steps optimizer"
            + " steps on its part of the text, then their weights are joined.",
    sortOptions = false)
final class SparkTrainCe extends TrainCe {
  private static final DiLoCoSettings DEFAULTS = DiLoCoSettings.defaults();

  @Option(
      names = "--workers",
      paramLabel = "M",
      description =
          "Workers that train at the same time, at least 1; --iters counts the steps of each"
              + " (default: ${DEFAULT-VALUE}).")
  private int workers = DEFAULTS.workers();

  @Option(
      names = "--inner_steps",
      paramLabel = "H",
      description =
          "Optimizer steps of a worker between two outer steps, at least 1 (default:"
              + " ${DEFAULT-VALUE}).")
  private long innerSteps = DEFAULTS.innerSteps();

  @Option(
      names = "--outer_lr",
      paramLabel = "X",
      description =
          "Learning rate of the outer step, above 0 and at most 10; 1 with --outer_momentum 0"
              + " averages the workers' weights (default: ${DEFAULT-VALUE}).")
  private double outerLr = DEFAULTS.outerLr();

  @Option(
      names = "--outer_momentum",
      paramLabel = "X",
      description =
          "Nesterov momentum of the outer step, from 0 to below 1 (default: ${DEFAULT-VALUE}).")
  private double outerMomentum = DEFAULTS.outerMomentum();

  @Option(
      names = "--delta_dtype",
      paramLabel = "T",
      description =
          "Type in which workers hand on what they changed: fp32, bf16 or int8; what rounding"
              + " takes is added to the next change (default: ${DEFAULT-VALUE}).")
  private String deltaType = DEFAULTS.deltaType().key();

  @Option(
      names = "--hang_timeout",
      defaultValue = "1800",
      paramLabel = "S",
      description =
          "Seconds after which an executor that has ended no step is ended, so that another one"
              + " repeats its task; 0: never (default: ${DEFAULT-VALUE}).")
  private long hangTimeout;

  @Mixin private ClusterOptions cluster;

  private SparkTrainCe() {}

  @Override
  public Integer call() throws IOException {
    DiLoCoSettings settings =
        new DiLoCoSettings(workers, innerSteps, outerLr, outerMomentum, DeltaType.of(deltaType));
    SettingChecks.atLeast("hang_timeout", hangTimeout, 0);
    boolean sequential = cluster.isSequential();
    if (!sequential) {
      ClusterOptions.requireSpark();
    }
    CrossEntropyRun run = run();
    PrintWriter out = spec().commandLine().getOut();
    try (WriteLock _ = run.directory().lock();
        MetricsLog log = kept().log(LogColumns.of(RoundReport.METRICS));
        TrainingOutput output = kept().output(out, log, run.settings().schedule().steps());
        LateCluster late = new LateCluster(cluster, "train-ce", output::line)) {
      boolean done =
          new DiLoCoRun(run, settings)
              .run(
                  worker ->
                      sequential
                          ? new SequentialRounds(worker)
                          : new SparkRounds(
                              late.cluster(),
                              TwinArguments.of(spec(), here(run)),
                              Duration.ofSeconds(hangTimeout)),
                  output,
                  output::line);
      return done ? ExitCode.OK : ExitCode.INTERRUPTED;
    }
  }

  /// What executors would choose otherwise, on another machine and in another directory.
  private static List<String> here(CrossEntropyRun run) {
    List<String> options = new ArrayList<>();
    options.add("--threads=" + run.threads());
    options.add("--dtype=" + run.type().key());
    options.add("--model_path=" + run.modelPath().toAbsolutePath());
    options.add("--dataset=" + run.text().dataset().toAbsolutePath());
    options.add("--output_dir=" + run.directory().path().toAbsolutePath());
    Path evalDataset = run.text().evalDataset();
    if (evalDataset != null) {
      options.add("--eval_dataset=" + evalDataset.toAbsolutePath());
    }
    return options;
  }

  /// The run on an executor.
  ///
  /// @param arguments of the driver's command
  static CrossEntropyRun run(List<String> arguments) throws IOException {
    return TwinArguments.parsed(new SparkTrainCe(), arguments).run();
  }
}
