package bitnet.metrics;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/// What a trainer reports about a step.
///
/// @param step steps done, this one included
/// @param steps steps of the whole run
/// @param losses of the step
/// @param learningRate of this step
/// @param gradNorm before clipping
/// @param speed since the last report
/// @param trits statistics of the ternary weights, if they were measured
public record StepReport(
    long step,
    long steps,
    Losses losses,
    double learningRate,
    double gradNorm,
    Speed speed,
    Trits trits)
    implements TrainingReport {

  /// The losses of a step.
  ///
  /// @param batch mean loss of the batch
  /// @param smoothed its moving average, see [bitnet.training.SmoothedLoss]
  /// @param eval on the held-out data, if it was measured after this step
  public record Losses(double batch, double smoothed, OptionalDouble eval) {}

  /// The speed of training.
  ///
  /// @param tokensPerSecond trained on
  /// @param flopsUtilization share of this machine's measured matmul rate (MFU), where that is
  ///     known
  /// @param remaining the time that the other steps will take at this rate
  public record Speed(
      double tokensPerSecond, OptionalDouble flopsUtilization, Duration remaining) {}

  /// The ternary weights.
  ///
  /// @param zeroShare the share of trits that are 0, at every [#WATCH_INTERVAL]-th step
  /// @param flipRate the share of trits that changed in the last [#WATCH_INTERVAL] steps, if both
  ///     ends were measured
  public record Trits(OptionalDouble zeroShare, OptionalDouble flipRate) {}

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

  /// Steps between two measurements of the trits.
  public static final int WATCH_INTERVAL = 10;

  /// The metrics that this step has, by the names in [#METRICS].
  @Override
  public SequencedMap<String, Double> row() {
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    row.put("loss", losses.batch());
    row.put("smoothed_loss", losses.smoothed());
    losses.eval().ifPresent(value -> row.put("eval_loss", value));
    row.put("lr", learningRate);
    row.put("grad_norm", gradNorm);
    row.put("tok_s", speed.tokensPerSecond());
    speed.flopsUtilization().ifPresent(value -> row.put("mfu", value));
    trits.zeroShare().ifPresent(value -> row.put("zero_share", value));
    trits.flipRate().ifPresent(value -> row.put("flip_rate", value));
    return row;
  }

  @Override
  public String line() {
    StringBuilder line = new StringBuilder();
    line.append(
        String.format(
            Locale.ROOT,
            "step %d/%d  loss %.4f  smoothed %.4f",
            step,
            steps,
            losses.batch(),
            losses.smoothed()));
    losses.eval().ifPresent(value -> line.append(String.format(Locale.ROOT, "  eval %.4f", value)));
    line.append(String.format(Locale.ROOT, "  lr %.2e  grad %.3f", learningRate, gradNorm));
    line.append(String.format(Locale.ROOT, "  %,.0f tok/s", speed.tokensPerSecond()));
    speed
        .flopsUtilization()
        .ifPresent(value -> line.append(String.format(Locale.ROOT, "  MFU %.1f%%", 100 * value)));
    return line.append("  ETA ").append(clock(speed.remaining())).toString();
  }

  @Override
  public String brief() {
    return String.format(
        Locale.ROOT, "loss %.4f %,.0f tok/s", losses.smoothed(), speed.tokensPerSecond());
  }

  @Override
  public boolean isNotable() {
    return losses.eval().isPresent();
  }

  private static String clock(Duration time) {
    return String.format(
        Locale.ROOT, "%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }
}
