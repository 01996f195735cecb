package bitnet.eval;

import java.util.Arrays;
import org.apache.commons.math3.random.Well19937c;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/// Where the mean over all possible records lies, with 95% confidence, as far as the records at
/// hand can tell.
///
/// @param low its lower end
/// @param high its upper end
public record Interval(double low, double high) {
  /// How often the records are drawn anew.
  static final int RESAMPLES = 2000;

  private static final double TAIL_PERCENT = 2.5;

  /// The 97.5% quantile of the normal distribution.
  private static final double Z = 1.959963984540054;

  /// Wilson's score interval (1927) of a share. It has a width for 0 of n and for n of n too.
  ///
  /// @param hits from 0 to `count`
  /// @param count at least 1
  public static Interval wilson(long hits, long count) {
    if (count < 1 || hits < 0 || hits > count) {
      throw new IllegalArgumentException(
          "%d of %d is not a share; give from 0 to all of at least 1".formatted(hits, count));
    }
    double share = (double) hits / count;
    double square = Z * Z / count;
    double middle = (share + square / 2) / (1 + square);
    double half = Z * Math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square);
    return new Interval(
        hits == 0 ? 0 : Math.max(0, middle - half), hits == count ? 1 : Math.min(1, middle + half));
  }

  /// The interval of a mean: [#wilson] of zeros and ones, else [#bootstrap].
  ///
  /// @param series one value a record, at least one
  /// @param seed of the draws
  static Interval of(Series series, long seed) {
    return series.binary()
        ? wilson(Math.round(Arrays.stream(series.values()).sum()), series.values().length)
        : bootstrap(series.values(), series.lowest(), 1, seed);
  }

  /// [#bootstrap(double[], long)] of values within bounds. Values that are all the same would have
  /// an interval without a width, however few they are: then one record at each bound is added to
  /// those that are drawn.
  ///
  /// @param low no value can be below
  /// @param high no value can be above
  public static Interval bootstrap(double[] values, double low, double high, long seed) {
    if (values.length == 0 || Arrays.stream(values).anyMatch(value -> value != values[0])) {
      return bootstrap(values, seed);
    }
    double[] extended = Arrays.copyOf(values, values.length + 2);
    extended[values.length] = low;
    extended[values.length + 1] = high;
    Interval wide = bootstrap(extended, seed);
    return new Interval(Math.min(values[0], wide.low()), Math.max(values[0], wide.high()));
  }

  /// The percentile bootstrap (Efron 1979): as many records as there are, drawn with replacement,
  /// 2,000 times; the interval holds the middle 95% of their means.
  ///
  /// @param values one per record, at least one
  /// @param seed of the draws; the same seed and values give the same interval
  public static Interval bootstrap(double[] values, long seed) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no values; give at least one");
    }
    Well19937c random = new Well19937c(seed);
    double[] means = new double[RESAMPLES];
    for (int round = 0; round < RESAMPLES; round++) {
      double sum = 0;
      for (int i = 0; i < values.length; i++) {
        sum += values[random.nextInt(values.length)];
      }
      means[round] = sum / values.length;
    }
    Arrays.sort(means);
    Percentile percentile = new Percentile();
    percentile.setData(means);
    return new Interval(percentile.evaluate(TAIL_PERCENT), percentile.evaluate(100 - TAIL_PERCENT));
  }
}
