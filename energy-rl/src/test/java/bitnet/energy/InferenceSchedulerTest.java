package bitnet.energy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InferenceSchedulerTest {
  private static final EnergyEnvironment STANDARD = EnergyEnvironment.standard();

  private static InferenceScheduler scheduler(Policy policy, EnergySource source) {
    return new InferenceScheduler(policy, source, new SplittableRandom(1));
  }

  private static EnergySource simulated() {
    return new SimulatedEnergy(STANDARD, "a test", 1);
  }

  @Test
  void trainedAgentMakesEveryTokenAndNeverShutsDown() {
    QLearningAgent agent =
        EnergyExperiment.run(STANDARD, LearningSettings.standard(), 2, 1).agent();
    InferenceScheduler scheduler = scheduler(agent, simulated());
    AtomicInteger made = new AtomicInteger();

    for (int i = 0; i < 50; i++) {
      assertThat(scheduler.next(made::incrementAndGet)).isEqualTo(i + 1);
    }

    InferenceScheduler.Report report = scheduler.report();
    assertThat(report.count(Action.COMPUTE)).isEqualTo(50);
    assertThat(report.count(Action.HARVEST)).isGreaterThan(20);
    assertThat(report.shutDowns()).isZero();
    assertThat(report.source()).startsWith("SIMULATED, not measured: a test");
  }

  @Test
  void recklessPolicyShutsTheSimulatedDeviceDown() {
    InferenceScheduler scheduler =
        scheduler((state, stepsLeft, random) -> Action.COMPUTE, simulated());

    for (int i = 0; i < 6; i++) {
      assertThat(scheduler.next(() -> "token")).isEqualTo("token");
    }

    assertThat(scheduler.report().shutDowns()).isEqualTo(2);
    assertThat(scheduler.report().state()).isEqualTo(STANDARD.start());
  }

  @Test
  void workOfTheProcessorsIsMeasured() {
    InferenceScheduler scheduler =
        scheduler((state, stepsLeft, random) -> Action.COMPUTE, simulated());

    long made =
        scheduler.next(
            () -> {
              long end = System.nanoTime() + 300_000_000;
              long rounds = 0;
              while (System.nanoTime() < end) {
                rounds++;
              }
              return rounds;
            });

    assertThat(made).isPositive();
    assertThat(scheduler.report().processorLoad()).isGreaterThan(0).isLessThanOrEqualTo(1);
    assertThat(scheduler.report().computingSeconds()).isGreaterThan(0.29);
  }

  @Test
  void policyThatNeverComputesIsReportedInsteadOfWaitedForWithoutEnd() {
    InferenceScheduler scheduler =
        scheduler((state, stepsLeft, random) -> Action.HARVEST, simulated());

    assertThatIllegalArgumentException()
        .isThrownBy(() -> scheduler.next(() -> "token"))
        .withMessageContainingAll("paused 1000 times in a row", "energy=10", "`episodes`");
  }

  @ParameterizedTest
  @CsvSource({
    "100, 40, 10, 0",
    "50, 65, 5, 4",
    "0, 90, 1, 7", // the worst of a device that still runs
    "100, 20, 10, 0" // colder than the scale
  })
  void measurementsBecomeUnitsOfTheEnvironment(
      double percent, double celsius, int energy, int temperature) {
    SensorReading reading =
        new SensorReading(OptionalDouble.of(percent), OptionalDouble.of(celsius));
    MeasuredEnergy source = new MeasuredEnergy(STANDARD, () -> reading, Duration.ZERO);

    assertThat(source.state()).isEqualTo(new EnergyState(energy, temperature));
    assertThat(source.description())
        .isEqualTo("measured: battery %.0f%%, processor %.0f °C", percent, celsius);
  }

  @Test
  void pauseOfAMeasuredDeviceTakesTime() {
    SensorReading reading = new SensorReading(OptionalDouble.of(80), OptionalDouble.of(50));
    MeasuredEnergy source = new MeasuredEnergy(STANDARD, () -> reading, Duration.ofMillis(20));
    AtomicInteger decisions = new AtomicInteger();
    InferenceScheduler scheduler =
        scheduler(
            (state, stepsLeft, random) ->
                decisions.getAndIncrement() == 0 ? Action.COOL : Action.COMPUTE,
            source);
    LockSupport.unpark(Thread.currentThread()); // as others may do at any time

    scheduler.next(() -> "token");

    assertThat(scheduler.report().pausingSeconds()).isGreaterThan(0.019);
    assertThat(scheduler.report().count(Action.COOL)).isEqualTo(1);
  }

  @Test
  void machineWithoutSensorsIsSimulatedAndSaysWhatItLacks() {
    SensorReading now = SensorReading.current();

    EnergySource source = EnergySource.find(STANDARD, 0);

    if (now.missing().isEmpty()) {
      assertThat(source.description()).startsWith("measured: battery ");
    } else {
      assertThat(source.description()).startsWith("SIMULATED").contains(now.missing());
    }
    assertThat(new SensorReading(OptionalDouble.empty(), OptionalDouble.of(50)).missing())
        .isEqualTo("no battery");
  }
}
