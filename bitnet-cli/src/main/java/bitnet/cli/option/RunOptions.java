package bitnet.cli.option;

import bitnet.cli.output.TrainingOutput;
import bitnet.metrics.LogColumns;
import bitnet.metrics.MetricsLog;
import bitnet.training.CheckpointSettings;
import bitnet.training.RunCheckpoints;
import bitnet.training.RunDirectory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
          "Save a checkpoint every N steps; 0: only at the end (default: ${DEFAULT-VALUE}).")
  private long saveInterval;

  @Option(
      names = "--keep",
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

  /// Options with the defaults of a trainer.
  ///
  /// @param checkpoints the defaults of `--save_interval` and `--keep`
  /// @param logInterval the default of `--log_interval`
  public RunOptions(CheckpointSettings checkpoints, long logInterval) {
    this.saveInterval = checkpoints.saveInterval();
    this.keep = checkpoints.keep();
    this.logInterval = logInterval;
  }

  public RunDirectory directory() {
    return new RunDirectory(outputDir);
  }

  public @Nullable String resume() {
    return resume;
  }

  /// When checkpoints are saved.
  public CheckpointSettings checkpoints() {
    return new CheckpointSettings(saveInterval, keep);
  }

  /// The steps that the run has done already.
  ///
  /// @throws IllegalArgumentException if it would start where there is a run already
  public long doneSteps() throws IOException {
    return directory().doneSteps(resume);
  }

  /// The options of the checkpoint to resume, by name; empty where there is none.
  public Map<String, String> resumedOptions() throws IOException {
    Optional<Path> checkpoint = resume == null ? Optional.empty() : directory().checkpoint(resume);
    return checkpoint.isPresent() ? RunCheckpoints.options(checkpoint.get()) : Map.of();
  }

  /// The log in all places that were asked for, and in the run.
  ///
  /// @throws IllegalArgumentException if the run would start where there is one already, before
  ///     the log of that is touched
  public MetricsLog log(LogColumns columns) throws IOException {
    return MetricsLog.open(
        columns,
        new MetricsLog.Places(
            List.of(directory().metrics()),
            csvLog == null ? List.of() : List.of(csvLog),
            tensorBoard),
        doneSteps());
  }

  public TrainingOutput output(PrintWriter out, MetricsLog log, long steps) {
    return new TrainingOutput(out, log, logInterval, steps);
  }
}
