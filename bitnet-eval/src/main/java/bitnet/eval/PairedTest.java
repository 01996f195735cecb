package bitnet.eval;

import java.util.Locale;
import org.apache.commons.math3.distribution.BinomialDistribution;
import org.apache.commons.math3.stat.inference.TTest;

/// Whether two models differ on the same records, by more than chance explains.
///
/// @param metric what was compared
/// @param first the model that is compared
/// @param second the model that it is compared with
/// @param difference the mean of the second less that of the first
/// @param pValue how probable a difference at least as large would be, either way, if there were
///     none between the models; NaN where the records are too few to tell
/// @param test how it was found, for people
public record PairedTest(
    String metric, String first, String second, double difference, double pValue, String test) {

  /// Compares two series over the same records: yes-or-no values by the exact test of McNemar
  /// (records on which just one model is right, against a fair coin), others by Student's paired
  /// t-test.
  ///
  /// @throws IllegalArgumentException if the series differ in length or kind
  static PairedTest of(String first, Series one, String second, Series other) {
    if (one.values().length != other.values().length || one.binary() != other.binary()) {
      throw new IllegalArgumentException(
          "%s has %d values with %s, but %d with %s; evaluate the same records"
              .formatted(one.name(), one.values().length, first, other.values().length, second));
    }
    double difference = other.mean() - one.mean();
    return one.binary()
        ? mcNemar(first, one, second, other, difference)
        : studentT(first, one, second, other, difference);
  }

  private static PairedTest mcNemar(
      String first, Series one, String second, Series other, double difference) {
    int onlyFirst = 0;
    int onlySecond = 0;
    for (int i = 0; i < one.values().length; i++) {
      onlyFirst += one.values()[i] > other.values()[i] ? 1 : 0;
      onlySecond += one.values()[i] < other.values()[i] ? 1 : 0;
    }
    // twice the tail up to the rarer side; BinomialTest would count the middle twice
    int either = onlyFirst + onlySecond;
    double tail =
        new BinomialDistribution(either, 0.5)
            .cumulativeProbability(Math.min(onlyFirst, onlySecond));
    double pValue = Math.min(1, 2 * tail);
    String test =
        String.format(
            Locale.ROOT,
            "McNemar, exact: %d only %s, %d only %s",
            onlyFirst,
            first,
            onlySecond,
            second);
    return new PairedTest(one.name(), first, second, difference, pValue, test);
  }

  private static PairedTest studentT(
      String first, Series one, String second, Series other, double difference) {
    int count = one.values().length;
    double pValue = count < 2 ? Double.NaN : new TTest().pairedTTest(one.values(), other.values());
    if (count > 1 && Double.isNaN(pValue)) {
      pValue = 1; // all differences are zero: 0 / 0 in the statistic
    }
    return new PairedTest(
        one.name(), first, second, difference, pValue, "paired t, %d records".formatted(count));
  }
}
