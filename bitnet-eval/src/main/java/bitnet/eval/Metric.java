package bitnet.eval;

import org.jspecify.annotations.Nullable;

/// A figure about a model.
///
/// @param name in snake case
/// @param value the figure
/// @param interval where it lies with 95% confidence; null where that is not estimated
/// @param count how many records it is of
public record Metric(String name, double value, @Nullable Interval interval, long count) {

  /// A figure without an interval.
  static Metric of(String name, double value, long count) {
    return new Metric(name, value, null, count);
  }

  /// A mean over records with its interval.
  static Metric mean(Series series, long seed) {
    return new Metric(
        series.name(), series.mean(), Interval.of(series, seed), series.values().length);
  }
}
