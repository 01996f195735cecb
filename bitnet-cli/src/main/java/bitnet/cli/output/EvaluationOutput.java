package bitnet.cli.output;

import bitnet.eval.EvaluationRun;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/// Shows how far an evaluation is: a progress bar on a terminal, a line every tenth elsewhere.
public final class EvaluationOutput implements EvaluationRun.Progress, AutoCloseable {
  private static final int LINES = 10;

  private final PrintWriter out;
  private final boolean silent;
  private String model = "";
  private int shown;
  private @Nullable ProgressBar bar;

  /// @param silent whether nothing but the result is to be printed
  public EvaluationOutput(PrintWriter out, boolean silent) {
    this.out = out;
    this.silent = silent;
  }

  @Override
  public void evaluated(String name, int done, int size) {
    if (Terminal.isInteractive()) {
      show(name, done, size);
      return;
    }
    boolean begins = !name.equals(model);
    if (begins) {
      model = name;
      shown = 0;
    }
    int tenths = (int) ((long) done * LINES / size);
    if (!silent && (tenths > shown || (begins && done > 0))) {
      out.printf(Locale.ROOT, "%s %,d/%,d%n", name, done, size);
      out.flush();
    }
    shown = Math.max(shown, tenths);
  }

  private void show(String name, int done, int size) {
    if (bar == null || !name.equals(model)) {
      close();
      model = name;
      bar =
          new ProgressBarBuilder()
              .setTaskName(name)
              .setInitialMax(size)
              .startsFrom(done, Duration.ZERO)
              .build();
    }
    bar.stepTo(done);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
