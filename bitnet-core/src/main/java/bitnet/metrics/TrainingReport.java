package bitnet.metrics;

import java.util.SequencedMap;

/// What a trainer says of a step, or of the model before its first one.
public interface TrainingReport {

  /// Steps done.
  long step();

  /// Steps of the whole run.
  long steps();

  /// The metrics that there are, for a [MetricsLog].
  SequencedMap<String, Double> row();

  /// One line for people.
  String line();

  /// A few words of it, for a progress bar.
  String brief();

  /// Whether people want to see it even where only every n-th step is shown.
  boolean isNotable();
}
