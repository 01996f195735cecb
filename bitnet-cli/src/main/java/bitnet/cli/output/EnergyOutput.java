package bitnet.cli.output;

import bitnet.energy.Action;
import bitnet.energy.EnergyEnvironment;
import bitnet.energy.EnergyEvaluation;
import bitnet.energy.EnergyExperiment;
import bitnet.energy.InferenceScheduler;
import bitnet.energy.LearningSettings;
import bitnet.generation.Completion;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/// The results of `bitnet energy-rl`, for people and for machines.
public final class EnergyOutput {
  private final EnergyEnvironment environment;
  private final LearningSettings settings;
  private final EnergyExperiment experiment;
  private final ObjectMapper mapper = new ObjectMapper();
  private final ObjectNode root = mapper.createObjectNode();

  public EnergyOutput(
      EnergyEnvironment environment, LearningSettings settings, EnergyExperiment experiment) {
    this.environment = environment;
    this.settings = settings;
    this.experiment = experiment;
    root.set("environment", mapper.valueToTree(environment));
    root.set("learning", mapper.valueToTree(settings));
    put("before", experiment.before());
    put("random", experiment.random());
    put("after", experiment.after());
    put("optimal", experiment.optimal());
    root.put("optimum", experiment.optimum().expectedReward());
    experiment
        .reached()
        .ifPresentOrElse(share -> root.put("reached", share), () -> root.putNull("reached"));
    ArrayNode rewards = root.putArray("training_rewards");
    experiment.training().forEach(episode -> rewards.add(episode.reward()));
  }

  private void put(String name, EnergyEvaluation evaluation) {
    root.putObject(name)
        .put("reward", evaluation.meanReward())
        .put("reward_sd", evaluation.rewardDeviation())
        .put("tokens", evaluation.meanTokens())
        .put("shut_down_share", evaluation.shutDownShare())
        .put("episodes", evaluation.episodes());
  }

  public void printTable(PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "device    stores %d energy, shuts down at %d heat; harvests %d a step; a token costs %d and"
            + " heats %d%n",
        environment.maxEnergy(),
        environment.thermalLimit(),
        environment.harvestRate(),
        environment.computeCost(),
        environment.computeHeat());
    out.printf(
        Locale.ROOT,
        "training  %d episodes of up to %d steps%n%n",
        settings.episodes(),
        settings.maxSteps());
    out.printf(
        Locale.ROOT,
        "%-18s %16s %8s %10s   (mean ± standard deviation of %d episodes)%n",
        "",
        "reward",
        "tokens",
        "shut down",
        experiment.after().episodes());
    printRow(out, "before training", experiment.before());
    printRow(out, "random policy", experiment.random());
    printRow(out, "after training", experiment.after());
    printRow(out, "optimal policy", experiment.optimal());
    out.printf(
        Locale.ROOT,
        "%noptimum   %.3f expected, by value iteration; %s%n",
        experiment.optimum().expectedReward(),
        experiment.reached().stream()
            .mapToObj(share -> String.format(Locale.ROOT, "reached: %.3f of it", share))
            .findFirst()
            .orElse("no share of it can be given, as it is not above 0"));
  }

  private static void printRow(PrintWriter out, String name, EnergyEvaluation evaluation) {
    String reward =
        String.format(
            Locale.ROOT, "%.2f ± %.2f", evaluation.meanReward(), evaluation.rewardDeviation());
    out.printf(
        Locale.ROOT,
        "%-18s %16s %8.2f %10.3f%n",
        name,
        reward,
        evaluation.meanTokens(),
        evaluation.shutDownShare());
  }

  public void addPlots(List<Path> files) {
    ArrayNode plots = root.putArray("plots");
    files.forEach(file -> plots.add(file.toString()));
  }

  public void addSchedule(Completion completion, InferenceScheduler.Report report) {
    ObjectNode node = root.putObject("schedule");
    node.put("text", completion.text());
    node.put("tokens", completion.tokens().length);
    for (Action action : Action.values()) {
      node.put(action.name().toLowerCase(Locale.ROOT), report.count(action));
    }
    node.put("shut_downs", report.shutDowns());
    node.put("computing_seconds", report.computingSeconds());
    node.put("pausing_seconds", report.pausingSeconds());
    node.put("processor_load", report.processorLoad());
    node.put("energy", report.state().energy());
    node.put("temperature", report.state().temperature());
    node.put("source", report.source());
  }

  public static void printSchedule(
      PrintWriter out, Completion completion, InferenceScheduler.Report report) {
    out.printf(
        Locale.ROOT,
        "%d tokens in %.2f s of computing (measured), %.2f s of pauses; processors %.0f%% busy"
            + " (measured)%n",
        completion.tokens().length,
        report.computingSeconds(),
        report.pausingSeconds(),
        100 * report.processorLoad());
    out.printf(
        Locale.ROOT,
        "decisions     compute %d, idle %d, harvest %d, cool %d; %d shutdowns%n",
        report.count(Action.COMPUTE),
        report.count(Action.IDLE),
        report.count(Action.HARVEST),
        report.count(Action.COOL),
        report.shutDowns());
    out.printf(
        Locale.ROOT,
        "at the end    energy %d, temperature %d (%s)%n",
        report.state().energy(),
        report.state().temperature(),
        report.source());
  }

  public String json() throws IOException {
    return mapper.writeValueAsString(root);
  }
}
