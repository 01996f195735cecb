package bitnet.eval;

import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/// The figures of scored completions.
///
/// @param score the mean score
/// @param right the share of completions whose final answer is the reference answer
/// @param answered the share of completions that have a final answer
/// @param lowest the lowest score
/// @param highest the highest score
public record ScoreSummary(
    Metric score, Metric right, Metric answered, double lowest, double highest) {
  private static final long SEED = 0;

  /// Sums up scores: the interval of zeros and ones is Wilson's, of other scores a bootstrap.
  ///
  /// @throws IllegalArgumentException if there are none
  public static ScoreSummary of(List<ScoredRecord> records) {
    if (records.isEmpty()) {
      throw new IllegalArgumentException("no records; give at least one");
    }
    double[] scores = records.stream().mapToDouble(ScoredRecord::score).toArray();
    double lowest = Arrays.stream(scores).min().orElseThrow();
    double highest = Arrays.stream(scores).max().orElseThrow();
    boolean binary = Arrays.stream(scores).allMatch(score -> score == 0 || score == 1);
    Series series = new Series("score", scores, binary);
    Interval interval =
        binary
            ? Interval.of(series, SEED)
            : Interval.bootstrap(scores, Math.min(0, lowest), Math.max(1, highest), SEED);
    return new ScoreSummary(
        new Metric("score", series.mean(), interval, scores.length),
        share("right", records, ScoredRecord::right),
        share("answered", records, it -> it.extracted().isPresent()),
        lowest,
        highest);
  }

  private static Metric share(
      String name, List<ScoredRecord> records, Predicate<ScoredRecord> counted) {
    double[] hits = records.stream().mapToDouble(it -> counted.test(it) ? 1 : 0).toArray();
    return Metric.mean(new Series(name, hits, true), SEED);
  }
}
