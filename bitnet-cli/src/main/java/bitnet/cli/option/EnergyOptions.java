package bitnet.cli.option;

import bitnet.energy.EnergyEnvironment;
import picocli.CommandLine.Option;

/// Options that describe a device which lives on harvested energy, all in whole units.
public final class EnergyOptions {

  @Option(
      names = "--harvest_rate",
      defaultValue = "3",
      paramLabel = "N",
      description = "Mean energy gained by a harvest step (default: ${DEFAULT-VALUE}).")
  private int harvestRate;

  @Option(
      names = "--max_energy",
      defaultValue = "10",
      paramLabel = "N",
      description = "Battery capacity (default: ${DEFAULT-VALUE}).")
  private int maxEnergy;

  @Option(
      names = "--thermal_limit",
      defaultValue = "8",
      paramLabel = "N",
      description = "Heat at which the device shuts down (default: ${DEFAULT-VALUE}).")
  private int thermalLimit;

  @Option(
      names = "--idle_cost",
      defaultValue = "1",
      paramLabel = "N",
      description = "Energy used by an idle step (default: ${DEFAULT-VALUE}).")
  private int idleCost;

  @Option(
      names = "--compute_cost",
      defaultValue = "2",
      paramLabel = "N",
      description = "Energy used to compute one token (default: ${DEFAULT-VALUE}).")
  private int computeCost;

  @Option(
      names = "--compute_heat",
      defaultValue = "3",
      paramLabel = "N",
      description = "Heat produced by computing one token (default: ${DEFAULT-VALUE}).")
  private int computeHeat;

  @Option(
      names = "--heat_dissipation",
      defaultValue = "1",
      paramLabel = "N",
      description =
          "Passive heat loss per step; cooling removes four times as much (default: "
              + "${DEFAULT-VALUE}).")
  private int heatDissipation;

  @Option(
      names = "--cool_cost",
      defaultValue = "1",
      paramLabel = "N",
      description = "Energy used by a cooling step (default: ${DEFAULT-VALUE}).")
  private int coolCost;

  private EnergyOptions() {}

  public EnergyEnvironment environment() {
    return new EnergyEnvironment(
        maxEnergy,
        thermalLimit,
        idleCost,
        computeCost,
        computeHeat,
        heatDissipation,
        coolCost,
        harvestRate);
  }
}
