package bitnet.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.training.SmoothedLoss;
import java.time.Duration;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class StepReportTest {
  private static final StepReport FULL =
      new StepReport(
          120,
          1000,
          new StepReport.Losses(3.45123, 3.5, OptionalDouble.of(3.6)),
          1.2e-3,
          0.8312,
          new StepReport.Speed(4812.4, OptionalDouble.of(0.412), Duration.ofSeconds(3723)),
          new StepReport.Trits(OptionalDouble.of(0.31), OptionalDouble.of(0.002)));

  private static final StepReport BARE =
      new StepReport(
          1,
          10,
          new StepReport.Losses(Double.NaN, 3.5, OptionalDouble.empty()),
          1e-5,
          Double.POSITIVE_INFINITY,
          new StepReport.Speed(12, OptionalDouble.empty(), Duration.ofHours(100)),
          new StepReport.Trits(OptionalDouble.empty(), OptionalDouble.empty()));

  @Test
  void theLineSaysAllThatIsKnown() {
    assertThat(FULL.line())
        .isEqualTo(
            "step 120/1000  loss 3.4512  smoothed 3.5000  eval 3.6000  lr 1.20e-03  grad 0.831"
                + "  4,812 tok/s  MFU 41.2%  ETA 1:02:03");
    assertThat(BARE.line())
        .isEqualTo(
            "step 1/10  loss NaN  smoothed 3.5000  lr 1.00e-05  grad Infinity  12 tok/s"
                + "  ETA 100:00:00");
  }

  @Test
  void theRowHasTheNamedMetricsInTheirOrder() {
    assertThat(FULL.row().sequencedKeySet()).containsExactlyElementsOf(StepReport.METRICS);
    assertThat(FULL.row()).containsEntry("loss", 3.45123).containsEntry("mfu", 0.412);
    assertThat(BARE.row().sequencedKeySet())
        .containsExactly("loss", "smoothed_loss", "lr", "grad_norm", "tok_s");
  }

  @Test
  void theSmoothedLossIsTheWeightedMeanOfAllLosses() {
    SmoothedLoss smoothed = SmoothedLoss.start();
    assertThat(smoothed.value()).isNaN();
    smoothed = smoothed.add(4);
    assertThat(smoothed.value()).isEqualTo(4);
    smoothed = smoothed.add(2).add(3);
    double newest = 1;
    double middle = 0.95;
    double oldest = 0.95 * 0.95;
    assertThat(smoothed.value())
        .isCloseTo(
            (oldest * 4 + middle * 2 + newest * 3) / (oldest + middle + newest), within(1e-15));
  }
}
