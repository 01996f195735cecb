package bitnet.metrics;

import java.util.Map;
import java.util.SequencedMap;

/// What a trainer reports about a step, or about the model before the first step.
public interface TrainingReport {

  /// Steps done.
  long step();

  /// Steps of the whole run.
  long steps();

  /// The metrics, for a [MetricsLog].
  SequencedMap<String, Double> row();

  /// The texts, for the text columns of a [MetricsLog].
  default Map<String, String> texts() {
    return Map.of();
  }

  /// One line for people.
  String line();

  /// A short form of the line, for a progress bar.
  String brief();

  /// Whether people want to see it even where only every n-th step is shown.
  boolean isNotable();
}
