package bitnet.energy;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/// The battery and the temperature of this machine, in the units of an [EnergyEnvironment]: a full
/// battery is its maxEnergy; 40 °C is 0 and 90 °C its thermalLimit.
///
/// All that software can do for either is to wait, so every action but COMPUTE is a pause: the
/// charger charges and the fan cools meanwhile.
public final class MeasuredEnergy implements EnergySource {
  private static final double COOL_CELSIUS = 40;
  private static final double HOT_CELSIUS = 90;
  private static final Duration PAUSE = Duration.ofMillis(500);

  private final EnergyEnvironment environment;
  private final Supplier<SensorReading> sensors;
  private final Duration pause;

  MeasuredEnergy(EnergyEnvironment environment, Supplier<SensorReading> sensors, Duration pause) {
    this.environment = environment;
    this.sensors = sensors;
    this.pause = pause;
  }

  /// This machine, if a reading shows that it has both sensors.
  static Optional<EnergySource> from(EnergyEnvironment environment, SensorReading now) {
    return now.missing().isEmpty()
        ? Optional.of(new MeasuredEnergy(environment, SensorReading::current, PAUSE))
        : Optional.empty();
  }

  /// A sensor that fails later reads as the worst, so that the device is spared.
  @Override
  public EnergyState state() {
    SensorReading now = sensors.get();
    double charge = now.batteryPercent().orElse(0) / 100;
    double heat = (now.celsius().orElse(HOT_CELSIUS) - COOL_CELSIUS) / (HOT_CELSIUS - COOL_CELSIUS);
    return new EnergyState(
        Math.clamp(Math.round(charge * environment.maxEnergy()), 1, environment.maxEnergy()),
        Math.clamp(
            Math.round(heat * environment.thermalLimit()), 0, environment.thermalLimit() - 1));
  }

  @Override
  public boolean apply(Action action) {
    if (action != Action.COMPUTE) {
      rest();
    }
    return false;
  }

  // Parking may end early for no reason of ours; an interruption ends the pause, as it should.
  private void rest() {
    long end = System.nanoTime() + pause.toNanos();
    long left = pause.toNanos();
    while (left > 0 && !Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(left);
      left = end - System.nanoTime();
    }
  }

  @Override
  public String description() {
    SensorReading now = sensors.get();
    return "measured: battery %.0f%%, processor %.0f °C"
        .formatted(now.batteryPercent().orElse(Double.NaN), now.celsius().orElse(Double.NaN));
  }
}
