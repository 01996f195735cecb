package bitnet.metrics;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/// What a trainer says about a step.
///
/// @param step steps done, this one included
/// @param steps steps of the whole run
/// @param loss mean cross-entropy of the batch, nats a token
/// @param smoothedLoss see [SmoothedLoss]
/// @param evalLoss on the held-out text, where it was measured after this step
/// @param learningRate of this step
/// @param gradNorm before clipping
/// @param tokensPerSecond since the last report
/// @param flopsUtilization share of this machine's measured matmul rate (MFU), where that is
///     known
/// @param zeroShare the share of trits that are 0, at every [#WATCH_INTERVAL]-th step
/// @param flipRate the share of trits that changed in the last [#WATCH_INTERVAL] steps, where
///     both ends were looked at
/// @param remaining the time that the other steps will take at this rate
public record StepReport(
    long step,
    long steps,
    double loss,
    double smoothedLoss,
    OptionalDouble evalLoss,
    double learningRate,
    double gradNorm,
    double tokensPerSecond,
    OptionalDouble flopsUtilization,
    OptionalDouble zeroShare,
    OptionalDouble flipRate,
    Duration remaining)
    implements TrainingReport {

  /// The metrics of [#row()], for a [MetricsLog].
  public static final List<String> METRICS =
      List.of(
          "loss",
          "smoothed_loss",
          "eval_loss",
          "lr",
          "grad_norm",
          "tok_s",
          "mfu",
          "zero_share",
          "flip_rate");

  /// Steps between two looks at the trits.
  public static final int WATCH_INTERVAL = 10;

  /// The metrics that this step has, by the names in [#METRICS].
  @Override
  public SequencedMap<String, Double> row() {
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    row.put("loss", loss);
    row.put("smoothed_loss", smoothedLoss);
    evalLoss.ifPresent(value -> row.put("eval_loss", value));
    row.put("lr", learningRate);
    row.put("grad_norm", gradNorm);
    row.put("tok_s", tokensPerSecond);
    flopsUtilization.ifPresent(value -> row.put("mfu", value));
    zeroShare.ifPresent(value -> row.put("zero_share", value));
    flipRate.ifPresent(value -> row.put("flip_rate", value));
    return row;
  }

  @Override
  public String line() {
    StringBuilder line = new StringBuilder();
    line.append(
        String.format(
            Locale.ROOT, "step %d/%d  loss %.4f  smoothed %.4f", step, steps, loss, smoothedLoss));
    evalLoss.ifPresent(value -> line.append(String.format(Locale.ROOT, "  eval %.4f", value)));
    line.append(String.format(Locale.ROOT, "  lr %.2e  grad %.3f", learningRate, gradNorm));
    line.append(String.format(Locale.ROOT, "  %,.0f tok/s", tokensPerSecond));
    flopsUtilization.ifPresent(
        value -> line.append(String.format(Locale.ROOT, "  MFU %.1f%%", 100 * value)));
    return line.append("  ETA ").append(clock(remaining)).toString();
  }

  @Override
  public String brief() {
    return String.format(Locale.ROOT, "loss %.4f %,.0f tok/s", smoothedLoss, tokensPerSecond);
  }

  @Override
  public boolean isNotable() {
    return evalLoss.isPresent();
  }

  private static String clock(Duration time) {
    return String.format(
        Locale.ROOT, "%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }
}
