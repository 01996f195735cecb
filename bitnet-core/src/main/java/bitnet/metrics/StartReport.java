package bitnet.metrics;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/// The metrics of a model before the first step of this process.
///
/// @param step steps done before
/// @param steps steps of the whole run
/// @param row the metrics
/// @param text the same for people
public record StartReport(long step, long steps, SequencedMap<String, Double> row, String text)
    implements TrainingReport {

  /// Copies the metrics.
  public StartReport {
    row = new LinkedHashMap<>(row);
  }

  @Override
  public String line() {
    return "step %d/%d  %s".formatted(step, steps, text);
  }

  @Override
  public String brief() {
    return text;
  }

  @Override
  public boolean isNotable() {
    return true;
  }
}
