package bitnet.training;

import bitnet.checkpoint.AdapterDirectory;
import bitnet.checkpoint.ModelSource;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.storage.WriteLock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Where a run keeps its files: `checkpoints/`, `metrics.csv`, `answers.jsonl` and, at the end,
/// `model/` or `adapter/`.
///
/// @param path the directory
public record RunDirectory(Path path) {

  /// The newest checkpoint of the run directory, as a value of `resume`.
  public static final String AUTO = "auto";

  /// The directory of checkpoints.
  public Path checkpoints() {
    return path.resolve("checkpoints");
  }

  /// The metrics of every step; see [bitnet.metrics.MetricsLog].
  public Path metrics() {
    return path.resolve("metrics.csv");
  }

  /// Some of the answers that a GRPO run drew, with their rewards.
  public Path answers() {
    return path.resolve("answers.jsonl");
  }

  /// Whether a path is that of [#answers].
  public boolean isAnswers(Path file) {
    return file.toAbsolutePath().normalize().equals(answers().toAbsolutePath().normalize());
  }

  /// The directory of the trained model.
  public Path model() {
    return path.resolve(ModelSource.RUN_MODEL);
  }

  /// The directory of the trained adapter, in a run that trains one.
  public Path adapter() {
    return path.resolve(AdapterDirectory.RUN_ADAPTER);
  }

  /// The directory of the model with the best evaluation, in a run that keeps it.
  public Path best() {
    return path.resolve("best");
  }

  /// Takes the right to write here, which one process at a time can have, and deletes what killed
  /// ones left unfinished.
  ///
  /// @throws IOException if another process has it, naming that, or the directory cannot be
  ///     written
  public WriteLock lock() throws IOException {
    WriteLock lock = WriteLock.acquire(path, path.resolve("run.lock"), "use another output_dir");
    try {
      TrainingCheckpoint.sweep(checkpoints());
      return lock;
    } catch (IOException failure) {
      lock.close();
      throw failure;
    }
  }

  /// The checkpoint to resume from; empty for a new run.
  ///
  /// @param resume a checkpoint, `auto` for this directory's newest one, or null to start
  /// @throws IllegalArgumentException if it would start where there is a run already
  public Optional<Path> checkpoint(@Nullable String resume) throws IOException {
    Optional<Path> latest = TrainingCheckpoint.latest(checkpoints());
    if (resume == null) {
      if (latest.isPresent()) {
        throw new IllegalArgumentException(
            "%s already contains a run; continue it with `resume` auto, or use another output_dir"
                .formatted(path));
      }
      return Optional.empty();
    }
    if (!resume.equals(AUTO)) {
      return Optional.of(Path.of(resume));
    }
    return latest;
  }

  /// The steps that such a run has done already; 0 for one that starts.
  ///
  /// @throws IllegalArgumentException if it would start where there is a run already
  public long doneSteps(@Nullable String resume) throws IOException {
    return checkpoint(resume).map(TrainingCheckpoint::step).orElse(0L);
  }
}
