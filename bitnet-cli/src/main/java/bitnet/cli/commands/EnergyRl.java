package bitnet.cli.commands;

import bitnet.cli.option.EnergyOptions;
import bitnet.cli.output.EnergyOutput;
import bitnet.cli.output.ExitCode;
import bitnet.energy.EnergyEnvironment;
import bitnet.energy.EnergyExperiment;
import bitnet.energy.EnergyPlots;
import bitnet.energy.EnergySource;
import bitnet.energy.InferenceScheduler;
import bitnet.energy.LearningSettings;
import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.generation.TextModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet energy-rl`: learns when to compute on harvested energy.
@Command(
    name = "energy-rl",
    description =
        "Train a Q-learning agent that schedules computation on a small energy budget, "
            + "and compare it with the optimum.",
    sortOptions = false)
public final class EnergyRl implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Option(
      names = "--episodes",
      defaultValue = "100",
      paramLabel = "N",
      description = "Training episodes (default: ${DEFAULT-VALUE}).")
  private int episodes;

  @Option(
      names = "--max_steps",
      defaultValue = "20",
      paramLabel = "N",
      description = "Steps per episode (default: ${DEFAULT-VALUE}).")
  private int maxSteps;

  @Option(
      names = "--alpha",
      defaultValue = "0.2",
      paramLabel = "X",
      description = "Q-learning rate, above 0 and at most 1 (default: ${DEFAULT-VALUE}).")
  private double alpha;

  @Option(
      names = "--gamma",
      defaultValue = "0.95",
      paramLabel = "X",
      description = "Discount factor, from 0 to below 1 (default: ${DEFAULT-VALUE}).")
  private double gamma;

  @Option(
      names = "--epsilon",
      defaultValue = "0.5",
      paramLabel = "X",
      description =
          "Probability of a random action in the first episode; decreases linearly to 0 "
              + "(default: ${DEFAULT-VALUE}).")
  private double epsilon;

  @Option(
      names = "--initial_value",
      defaultValue = "8",
      paramLabel = "X",
      description =
          "Initial Q-value; about tokens per step of a good policy / (1 - gamma) "
              + "(default: ${DEFAULT-VALUE}).")
  private double initialValue;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Random seed; the same seed gives the same result (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--eval_episodes",
      defaultValue = "1000",
      paramLabel = "N",
      description = "Episodes per evaluation (default: ${DEFAULT-VALUE}).")
  private int evalEpisodes;

  @Option(
      names = "--plot",
      paramLabel = "DIR",
      description = "Write PNG plots of the learning curve and the policy to this directory.")
  private @Nullable Path plot;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Mixin private EnergyOptions energy;

  @ArgGroup(exclusive = false)
  private @Nullable Schedule schedule;

  private EnergyRl() {}

  /// What to generate by the trained policy.
  static final class Schedule {
    @Option(
        names = "--schedule_inference",
        required = true,
        paramLabel = "MODEL",
        description =
            "Generate with this model; the trained policy decides at each step whether to "
                + "compute a token.")
    private Path model;

    @Option(
        names = "--prompt",
        required = true,
        paramLabel = "TEXT",
        description = "Prompt to continue.")
    private String prompt;

    @Option(
        names = "--tokens",
        defaultValue = "32",
        paramLabel = "N",
        description = "Maximum number of tokens to generate (default: ${DEFAULT-VALUE}).")
    private int tokens;

    private Schedule() {}
  }

  @Override
  public Integer call() throws IOException {
    EnergyEnvironment environment = energy.environment();
    LearningSettings settings =
        new LearningSettings(episodes, maxSteps, alpha, gamma, epsilon, initialValue);
    EnergyExperiment experiment = EnergyExperiment.run(environment, settings, evalEpisodes, seed);
    PrintWriter out = spec.commandLine().getOut();
    EnergyOutput output = new EnergyOutput(environment, settings, experiment);
    if (!json) {
      output.printTable(out);
      out.flush();
    }
    if (plot != null) {
      List<Path> files = EnergyPlots.write(plot, environment, experiment);
      output.addPlots(files);
      if (!json) {
        files.forEach(file -> out.println("wrote " + file));
      }
    }
    if (schedule != null) {
      generate(schedule, environment, experiment, output);
    }
    if (json) {
      out.println(output.json());
    }
    return ExitCode.OK;
  }

  private void generate(
      Schedule schedule,
      EnergyEnvironment environment,
      EnergyExperiment experiment,
      EnergyOutput output)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    GenerationSettings settings =
        GenerationSettings.of(
            schedule.tokens, SamplingSettings.GREEDY.withTemperature(0.8).withSeed(seed));
    EnergySource source = EnergySource.find(environment, seed);
    InferenceScheduler scheduler =
        new InferenceScheduler(experiment.agent(), source, new SplittableRandom(seed));
    try (TextModel model = TextModel.open(schedule.model)) {
      if (!json) {
        out.println("energy state  " + source.description());
        out.println();
      }
      Completion completion =
          model
              .generator()
              .over(scheduler.schedule(model.model()))
              .generate(schedule.prompt, settings, json ? piece -> {} : piece -> show(out, piece));
      output.addSchedule(completion, scheduler.report());
      if (!json) {
        out.println();
        out.println();
        EnergyOutput.printSchedule(out, completion, scheduler.report());
      }
    }
  }

  private static void show(PrintWriter out, String piece) {
    out.print(piece);
    out.flush();
  }
}
