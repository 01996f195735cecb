package bitnet.cli.output;

import bitnet.metrics.MetricsLog;
import bitnet.metrics.TrainingReport;
import bitnet.training.TrainingListener;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/// Shows a run: a progress bar on a terminal, a line every few steps elsewhere; every step goes
/// to the log.
public final class TrainingOutput implements TrainingListener, AutoCloseable {
  private final PrintWriter out;
  private final MetricsLog log;
  private final long interval;
  private final long steps;
  private @Nullable ProgressBar bar;

  public TrainingOutput(PrintWriter out, MetricsLog log, long interval, long steps) {
    if (interval < 1) {
      throw new IllegalArgumentException(
          "--log_interval %d must be at least 1; use 10".formatted(interval));
    }
    this.out = out;
    this.log = log;
    this.interval = interval;
    this.steps = steps;
  }

  /// A line of its own, above the bar.
  public void line(String text) {
    out.println(text);
    out.flush();
  }

  @Override
  public void started(TrainingReport report) throws IOException {
    if (report.step() == 0) { // a resumed run has logged it
      log.write(0, report.row(), report.texts());
    }
    line(report.line());
  }

  @Override
  public void stepped(TrainingReport report) throws IOException {
    log.write(report.step(), report.row(), report.texts());
    if (Terminal.isInteractive()) {
      show(report);
      if (!report.isNotable()) {
        return;
      }
    }
    boolean due = report.step() % interval == 0 || report.step() == report.steps();
    if (due || report.isNotable()) {
      line(report.line());
    }
  }

  private void show(TrainingReport report) {
    if (bar == null) {
      bar =
          new ProgressBarBuilder()
              .setTaskName("train")
              .setInitialMax(steps)
              .startsFrom(report.step(), Duration.ZERO)
              .build();
    }
    bar.stepTo(report.step());
    bar.setExtraMessage(" " + report.brief());
  }

  @Override
  public void skipped(long step, String reason) {
    line("step %d/%d  skipped: %s".formatted(step, steps, reason));
  }

  @Override
  public void saved(Path checkpoint) {
    line("saved " + checkpoint);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
