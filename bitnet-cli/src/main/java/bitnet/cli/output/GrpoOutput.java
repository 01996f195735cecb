package bitnet.cli.output;

import bitnet.grpo.CompletionRecord;
import bitnet.grpo.CompletionsLog;
import bitnet.grpo.GrpoListener;
import bitnet.metrics.TrainingReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Shows a GRPO run: what [TrainingOutput] shows, and some answers every few steps.
public final class GrpoOutput implements GrpoListener {
  private static final int SHOWN = 2;

  private final TrainingOutput output;
  private final @Nullable CompletionsLog completions;
  private final CompletionsLog samples;
  private final long interval;

  /// @param completions receives all answers
  /// @param samples receives those that are shown
  /// @param interval steps between two samples; 0: none
  public GrpoOutput(
      TrainingOutput output,
      @Nullable CompletionsLog completions,
      CompletionsLog samples,
      long interval) {
    if (interval < 0) {
      throw new IllegalArgumentException(
          "--sample_interval %d is negative; use 0 for no samples".formatted(interval));
    }
    this.output = output;
    this.completions = completions;
    this.samples = samples;
    this.interval = interval;
  }

  @Override
  public void drew(List<CompletionRecord> answers) throws IOException {
    if (completions != null) {
      completions.write(answers);
    }
    if (interval == 0 || answers.getFirst().step() % interval != 0) {
      return;
    }
    output.line(
        "  " + oneLine(answers.getFirst().query()) + "  (" + answers.getFirst().reference() + ")");
    List<CompletionRecord> shown = new ArrayList<>();
    for (int layer = 1; layer <= 2; layer++) {
      int wanted = layer;
      answers.stream().filter(answer -> answer.layer() == wanted).limit(SHOWN).forEach(shown::add);
    }
    shown.forEach(answer -> output.line(text(answer)));
    samples.write(shown);
  }

  @Override
  public void noticed(String line) {
    output.line(line);
  }

  private static String text(CompletionRecord answer) {
    return String.format(
        Locale.ROOT,
        "    %s %.3f  %s%s",
        answer.layer() == 1 ? "reward" : "corrected, reward",
        answer.reward(),
        oneLine(answer.completion()),
        answer.truncated() ? " (cut off)" : "");
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\R", " / ");
  }

  @Override
  public void started(TrainingReport report) throws IOException {
    output.started(report);
  }

  @Override
  public void stepped(TrainingReport report) throws IOException {
    output.stepped(report);
  }

  @Override
  public void skipped(long step, String reason) {
    output.skipped(step, reason);
  }

  @Override
  public void saved(Path checkpoint) {
    output.saved(checkpoint);
  }
}
