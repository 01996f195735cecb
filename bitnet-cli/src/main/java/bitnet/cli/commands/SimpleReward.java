package bitnet.cli.commands;

import bitnet.cli.output.ExitCode;
import bitnet.data.PreferenceRecord;
import bitnet.reward.LinearRewardModel;
import bitnet.reward.RewardTraining;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet simple-reward`: a reward model in a second, without files.
@Command(
    name = "simple-reward",
    description = "Train a small reward model on built-in examples and print its scores.",
    sortOptions = false)
public final class SimpleReward implements Callable<Integer> {
  private static final List<PreferenceRecord.Pair> PAIRS =
      List.of(
          pair("What is the capital of France?", "Paris", "London"),
          pair("What is the capital of England?", "London", "Paris"),
          pair("Who wrote Hamlet?", "Shakespeare wrote Hamlet.", "Goethe wrote Hamlet."),
          pair("Who wrote Faust?", "Goethe wrote Faust.", "Shakespeare wrote Faust."),
          pair("2+3=", "5", "6"),
          pair("2+4=", "6", "5"));

  @Spec private CommandSpec spec;

  @Option(
      names = "--epochs",
      defaultValue = "100",
      paramLabel = "N",
      description = "Passes over the built-in answers (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--lr",
      defaultValue = "0.1",
      paramLabel = "X",
      description = "Learning rate (default: ${DEFAULT-VALUE}).")
  private double learningRate;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Seed of the order of the answers (default: ${DEFAULT-VALUE}).")
  private long seed;

  private SimpleReward() {}

  private static PreferenceRecord.Pair pair(String query, String right, String wrong) {
    return new PreferenceRecord.Pair(query, right, wrong);
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    List<Double> losses = new ArrayList<>();
    LinearRewardModel model =
        LinearRewardModel.train(
            List.copyOf(PAIRS),
            new RewardTraining(epochs, learningRate, seed),
            epoch -> losses.add(epoch.loss()));
    out.printf(
        "%d questions, %d epochs: loss %.4f -> %.4f%n",
        PAIRS.size(), epochs, losses.getFirst(), losses.getLast());
    for (PreferenceRecord.Pair pair : PAIRS) {
      out.println(pair.query());
      printScore(out, model, pair.query(), pair.chosen(), "right");
      printScore(out, model, pair.query(), pair.rejected(), "wrong");
    }
    return ExitCode.OK;
  }

  private static void printScore(
      PrintWriter out, LinearRewardModel model, String query, String answer, String kind) {
    out.printf("  %.3f  %s  %s%n", model.score(query, "", answer).outcome(), kind, answer);
  }
}
