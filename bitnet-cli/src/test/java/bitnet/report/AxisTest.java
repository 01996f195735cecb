package bitnet.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AxisTest {

  private static List<String> labels(Axis axis) {
    return axis.ticks().stream().map(axis::label).toList();
  }

  @ParameterizedTest
  @CsvSource({
    "1.68, 5.52, 0 2 4 6",
    "0, 0.32, 0 0.1 0.2 0.3 0.4",
    "0.305, 0.328, 0.30 0.31 0.32 0.33",
    "0, 0.004, 0 0.001 0.002 0.003 0.004",
    "0, 0.0015, 0 5e-4 1e-3 1.5e-3",
    "-1e-6, 2e-6, -1e-6 0 1e-6 2e-6",
    "4000, 13500, 0 5k 10k 15k",
    "2e6, 3.1e6, 2.0M 2.5M 3.0M 3.5M",
    "5.5447, 5.5449, 5.4 5.5 5.6 5.7",
    "0, 0, 0 0.5 1.0",
    "4, 4, 3.90 3.95 4.00 4.05 4.10",
    "-3, -3, -3.10 -3.05 -3.00 -2.95 -2.90",
  })
  void ticksAreRoundNumbersAroundTheValues(double least, double most, String expected) {
    assertThat(String.join(" ", labels(Axis.around(least, most, 4)))).isEqualTo(expected);
  }

  @Test
  void stepsAreWholeNumbersFromTheFirstToTheLast() {
    assertThat(labels(Axis.ofSteps(0, 1000, 5)))
        .containsExactly("0", "200", "400", "600", "800", "1000");
    assertThat(labels(Axis.ofSteps(1, 4, 5))).containsExactly("1", "2", "3", "4");
    assertThat(labels(Axis.ofSteps(7, 7, 5))).containsExactly("7", "8");
    assertThat(labels(Axis.ofSteps(1, 25_000, 5)))
        .containsExactly("5k", "10k", "15k", "20k", "25k");
  }

  @Test
  void theEndsAreAtZeroAndOne() {
    Axis axis = Axis.around(-10, 30, 4);
    assertThat(axis.place(-10)).isZero();
    assertThat(axis.place(30)).isEqualTo(1);
    assertThat(axis.place(10)).isEqualTo(0.5);
  }
}
