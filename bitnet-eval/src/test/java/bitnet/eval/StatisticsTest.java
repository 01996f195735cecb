package bitnet.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatisticsTest {

  private static Series rights(int count, int... right) {
    double[] values = new double[count];
    Arrays.stream(right).forEach(i -> values[i] = 1);
    return new Series("final_answer", values, true);
  }

  private static Series firstRight(int count, int from, int to) {
    return rights(count, IntStream.range(from, to).toArray());
  }

  @Test
  void intervalOfAShareIsTheOneOfTheNormalApproximation() {
    double[] values = firstRight(1000, 0, 300).values();

    Interval interval = Interval.bootstrap(values, 0);

    double half = 1.96 * Math.sqrt(0.3 * 0.7 / 1000);
    assertThat(interval.low()).isCloseTo(0.3 - half, within(0.004));
    assertThat(interval.high()).isCloseTo(0.3 + half, within(0.004));
  }

  @Test
  void intervalDependsOnTheSeedOnly() {
    double[] values = {0.1, 0.9, 0.4, 0.4, 0.7, 0.2, 1, 0};

    assertThat(Interval.bootstrap(values, 3)).isEqualTo(Interval.bootstrap(values, 3));
    assertThat(Interval.bootstrap(values, 3)).isNotEqualTo(Interval.bootstrap(values, 4));
  }

  /// Wilson's score interval: z^2 / (n + z^2) for none of n; the others as published in tables.
  @ParameterizedTest
  @CsvSource({
    "0, 20, 0, 0.161125",
    "20, 20, 0.838875, 1",
    "10, 20, 0.299298, 0.700702",
    "1, 1, 0.206543, 1",
    "300, 1000, 0.272411, 0.329123",
  })
  void intervalOfAShareIsWilsons(int hits, int count, double low, double high) {
    Interval interval = Interval.of(firstRight(count, 0, hits), 0);

    assertThat(interval.low()).isCloseTo(low, within(1e-5));
    assertThat(interval.high()).isCloseTo(high, within(1e-5));
    assertThat(interval).isEqualTo(Interval.wilson(hits, count));
  }

  @Test
  void aShareIsOfSomething() {
    assertThatThrownBy(() -> Interval.wilson(0, 0)).hasMessageContaining("0 of 0 is not a share");
    assertThatThrownBy(() -> Interval.wilson(3, 2)).hasMessageContaining("3 of 2 is not a share");
  }

  @Test
  void noIntervalOfAFewEqualValuesIsWithoutWidth() {
    Interval none = Interval.of(new Series("f1", new double[20], false), 0);
    Interval same = Interval.of(new Series("delta", new double[20], false, -1), 0);
    double[] half = new double[5];
    Arrays.fill(half, 0.5);
    Interval middle = Interval.of(new Series("f1", half, false), 0);

    assertThat(none.low()).isZero();
    assertThat(none.high()).isBetween(0.05, 0.2);
    assertThat(same.low()).isBetween(-0.2, -0.03);
    assertThat(same.high()).isBetween(0.03, 0.2);
    assertThat(middle.low()).isLessThan(0.45);
    assertThat(middle.high()).isGreaterThan(0.55);
    assertThatThrownBy(() -> Interval.bootstrap(new double[0], 0))
        .hasMessageContaining("no values");
  }

  /// Twice the sum of C(n, i) / 2^n up to the rarer side, by hand: 1 of 6: 2 (1 + 6) / 64.
  @ParameterizedTest
  @CsvSource({
    "1, 5, 0.21875",
    "0, 5, 0.0625",
    "0, 0, 1",
    "1, 1, 1",
    "2, 1, 1",
    "0, 10, 0.001953125"
  })
  void answersAreComparedByTheExactTestOfMcNemar(int onlyFirst, int onlySecond, double expected) {
    Series first = firstRight(40, 0, 10 + onlyFirst);
    int[] second =
        IntStream.concat(IntStream.range(0, 10), IntStream.range(20, 20 + onlySecond)).toArray();

    PairedTest test = PairedTest.of("a", first, "b", rights(40, second));

    assertThat(test.pValue()).isCloseTo(expected, within(1e-12));
    assertThat(test.difference()).isCloseTo((onlySecond - onlyFirst) / 40.0, within(1e-12));
    assertThat(test.test())
        .isEqualTo("McNemar, exact: %d only a, %d only b".formatted(onlyFirst, onlySecond));
  }

  /// The differences 1, 2, 3 have t = 2 sqrt 3 with 2 degrees of freedom, whose two tails are
  /// 1 - t / sqrt(2 + t^2).
  @Test
  void otherFiguresAreComparedByThePairedTTest() {
    Series first = new Series("f1", new double[] {0, 0, 0}, false);
    Series second = new Series("f1", new double[] {1, 2, 3}, false);

    PairedTest test = PairedTest.of("a", first, "b", second);

    assertThat(test.pValue()).isCloseTo(1 - Math.sqrt(12.0 / 14), within(1e-9));
    assertThat(test.difference()).isEqualTo(2);
  }

  @Test
  void equalModelsDoNotDifferAndOneRecordSaysNothing() {
    Series series = new Series("f1", new double[] {0.3, 0.4}, false);
    Series one = new Series("f1", new double[] {0.3}, false);

    assertThat(PairedTest.of("a", series, "b", series).pValue()).isEqualTo(1);
    assertThat(PairedTest.of("a", one, "b", one).pValue()).isNaN();
    assertThatThrownBy(() -> PairedTest.of("a", series, "b", one))
        .hasMessageContaining("evaluate the same records");
  }
}
