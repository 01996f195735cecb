package bitnet.diloco;

import bitnet.metrics.TrainingReport;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;

/// What a round reports.
///
/// @param plan what it was
/// @param steps of the whole run
/// @param loss mean training loss of all workers
/// @param effect of the outer step, where it was measured
/// @param tokensPerSecond of all workers together
/// @param remaining the time that the other rounds will take at this rate
public record RoundReport(
    RoundPlan plan,
    long steps,
    double loss,
    Optional<OuterEffect> effect,
    double tokensPerSecond,
    Duration remaining)
    implements TrainingReport {

  /// The metrics of [#row()].
  public static final List<String> METRICS =
      List.of("loss", "eval_loss", "eval_loss_before_outer", "outer_flip_rate", "tok_s");

  @Override
  public long step() {
    return plan.end();
  }

  @Override
  public SequencedMap<String, Double> row() {
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    row.put("loss", loss);
    effect.ifPresent(
        each -> {
          if (!Double.isNaN(each.lossAfter())) {
            row.put("eval_loss", each.lossAfter());
            row.put("eval_loss_before_outer", each.lossBefore());
          }
          row.put("outer_flip_rate", each.flipped());
        });
    row.put("tok_s", tokensPerSecond);
    return row;
  }

  @Override
  public String line() {
    StringBuilder line =
        new StringBuilder(String.format(Locale.ROOT, "step %d/%d  loss %.4f", step(), steps, loss));
    effect.ifPresent(
        each -> {
          if (!Double.isNaN(each.lossAfter())) {
            line.append(
                String.format(
                    Locale.ROOT,
                    "  eval %.4f (before the outer step %.4f)",
                    each.lossAfter(),
                    each.lossBefore()));
          }
          line.append(String.format(Locale.ROOT, "  trits flipped %.2f%%", 100 * each.flipped()));
        });
    line.append(String.format(Locale.ROOT, "  %,.0f tok/s", tokensPerSecond));
    if (step() < steps) {
      line.append("  %ds left".formatted(remaining.toSeconds()));
    }
    return line.toString();
  }

  @Override
  public String brief() {
    return String.format(Locale.ROOT, "loss %.4f", loss);
  }

  @Override
  public boolean isNotable() {
    return true;
  }
}
