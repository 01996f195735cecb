package bitnet.report;

import bitnet.grpo.CompletionRecord;
import bitnet.grpo.CompletionsLog;
import bitnet.metrics.MetricsTable;
import bitnet.training.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What a run logged.
///
/// @param path the run directory or the CSV file, as the user gave it
/// @param metrics of its steps; at least one
/// @param answers that it showed; empty for cross-entropy training
public record TrainingRun(Path path, MetricsTable metrics, List<CompletionRecord> answers) {

  /// Copies the list.
  public TrainingRun {
    answers = List.copyOf(answers);
  }

  /// Reads the logs of a run.
  ///
  /// @param path the directory of a run, which holds `metrics.csv` and perhaps `answers.jsonl`, or
  ///     a CSV file that a run wrote
  /// @throws IOException if a log is missing or damaged, saying which and where
  public static TrainingRun read(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    RunDirectory directory = new RunDirectory(path);
    boolean isFile = !Files.isDirectory(path);
    if (!isFile && !Files.exists(directory.metrics())) {
      throw new IOException(
          "%s holds no metrics.csv, which train-ce and train-grpo write; name such a run or a"
                  .formatted(path)
              + " --csv_log file");
    }
    MetricsTable metrics = MetricsTable.read(isFile ? path : directory.metrics());
    if (metrics.rows().isEmpty()) {
      throw new IOException(path + ": no step is logged yet; let the run do some steps");
    }
    boolean answered = !isFile && Files.exists(directory.answers());
    return new TrainingRun(
        path, metrics, answered ? CompletionsLog.read(directory.answers()) : List.of());
  }

  /// Whether it is of `train-grpo`, else of `train-ce`.
  boolean isGrpo() {
    return metrics.has("reward");
  }

  /// Steps done.
  long steps() {
    return metrics.rows().getLast().step();
  }

  /// Tokens that `train-grpo` drew in a second of a step; that step's learning takes time too.
  List<MetricsTable.Point> tokensPerSecond() {
    List<MetricsTable.Point> tokens = metrics.points("num_tokens");
    List<MetricsTable.Point> seconds = metrics.points("step_time");
    List<MetricsTable.Point> rates = new ArrayList<>();
    // tokens are counted from the beginning of the run; where a log begins later, nobody knows how
    // many there were
    for (int i = 0; i < Math.min(tokens.size(), seconds.size()); i++) {
      MetricsTable.Point now = tokens.get(i);
      boolean first = now.step() == 1;
      boolean follows = i > 0 && tokens.get(i - 1).step() == now.step() - 1;
      if ((first || follows) && seconds.get(i).step() == now.step()) {
        double drawn = now.value() - (first ? 0 : tokens.get(i - 1).value());
        rates.add(new MetricsTable.Point(now.step(), drawn / seconds.get(i).value()));
      }
    }
    return rates;
  }
}
