package bitnet.cli.option;

import bitnet.cli.output.TrainingOutput;
import bitnet.metrics.MetricsLog;
import bitnet.training.RunDirectory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// What a training run keeps and says. Trainers differ in how often, where nothing is said: their
/// mixin is made with it.
public final class RunOptions {

  @Option(
      names = "--output_dir",
      required = true,
      paramLabel = "DIR",
      description = "Run directory: checkpoints, logs and, at the end, the model.")
  private Path outputDir;

  @Option(
      names = "--save_interval",
      paramLabel = "N",
      description =
          "Save a checkpoint every N steps; 0: only at the end (default: " + "${DEFAULT-VALUE}).")
  private long saveInterval;

  @Option(
      names = "--keep",
      defaultValue = "2",
      paramLabel = "K",
      description = "Number of most recent checkpoints to keep (default: ${DEFAULT-VALUE}).")
  private int keep;

  @Option(
      names = "--resume",
      paramLabel = "CKPT",
      description =
          "Resume from this checkpoint; auto: from the newest checkpoint in "
              + "--output_dir, or start a new run if there is none.")
  private @Nullable String resume;

  @Option(
      names = "--log_interval",
      paramLabel = "N",
      description = "Print a line every N steps (default: ${DEFAULT-VALUE}).")
  private long logInterval;

  @Option(
      names = "--csv_log",
      paramLabel = "FILE",
      description =
          "Also write the metrics of every step to this CSV file; metrics.csv in the run "
              + "always has them.")
  private @Nullable Path csvLog;

  @Option(
      names = "--tensorboard",
      paramLabel = "DIR",
      description = "Write the metrics of every step as TensorBoard event files to this directory.")
  private @Nullable Path tensorBoard;

  /// @param saveInterval the default of `--save_interval`
  /// @param logInterval the default of `--log_interval`
  public RunOptions(long saveInterval, long logInterval) {
    this.saveInterval = saveInterval;
    this.logInterval = logInterval;
  }

  public RunDirectory directory() {
    return new RunDirectory(outputDir);
  }

  public @Nullable String resume() {
    return resume;
  }

  public long saveInterval() {
    return saveInterval;
  }

  /// How many checkpoints stay.
  public int checkpoints() {
    return keep;
  }

  /// The steps that the run has done already.
  ///
  /// @throws IllegalArgumentException if it would start where there is a run already
  public long doneSteps() throws IOException {
    return directory().doneSteps(resume);
  }

  /// The log in all places that were asked for, and in the run.
  ///
  /// @throws IllegalArgumentException if the run would start where there is one already, before
  ///     the log of that is touched
  public MetricsLog log(List<String> metrics) throws IOException {
    Path own = directory().metrics();
    List<Path> tables = csvLog == null ? List.of(own) : List.of(own, csvLog);
    return MetricsLog.open(metrics, tables, tensorBoard, doneSteps());
  }

  public TrainingOutput output(PrintWriter out, MetricsLog log, long steps) {
    return new TrainingOutput(out, log, logInterval, steps);
  }
}
