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
      description = "The run: checkpoints, logs and, at the end, model.")
  private Path outputDir;

  @Option(
      names = "--save_interval",
      paramLabel = "N",
      description = "Steps between checkpoints; 0: at the end only (default: ${DEFAULT-VALUE}).")
  private long saveInterval;

  @Option(
      names = "--keep",
      defaultValue = "2",
      paramLabel = "K",
      description = "How many checkpoints stay (default: ${DEFAULT-VALUE}).")
  private int keep;

  @Option(
      names = "--resume",
      paramLabel = "CKPT",
      description =
          "Go on from a checkpoint, or from the newest one of --output_dir with \"auto\" (which"
              + " starts anew where there is none).")
  private @Nullable String resume;

  @Option(
      names = "--log_interval",
      paramLabel = "N",
      description = "Steps between printed lines (default: ${DEFAULT-VALUE}).")
  private long logInterval;

  @Option(
      names = "--csv_log",
      paramLabel = "FILE",
      description = "Write every step's metrics, which go to metrics.csv in the run, here too.")
  private @Nullable Path csvLog;

  @Option(
      names = "--tensorboard",
      paramLabel = "DIR",
      description = "Write every step's metrics to TensorBoard event files.")
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
