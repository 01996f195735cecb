package example;

import bitnet.generation.SamplingSettings;
import bitnet.grpo.CompletionRecord;
import bitnet.grpo.GrpoListener;
import bitnet.grpo.GrpoRun;
import bitnet.grpo.GrpoSettings;
import bitnet.metrics.TrainingReport;
import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import bitnet.reward.RewardSpec;
import bitnet.storage.WriteLock;
import bitnet.training.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// A reward of one's own: the share of a completion's characters that are digits.
///
/// The program trains a model by it with GRPO: `CustomReward MODEL QUESTIONS RUN STEPS`, where
/// QUESTIONS has lines of `{"query": ..., "answer": ...}`. The command line takes the class by its
/// name, with its jar or directory in BITNET_CLASS_PATH:
/// `bitnet train-grpo --reward_model example.CustomReward`.
public final class CustomReward implements Reward {

  @Override
  public RewardScore score(String query, String reference, String completion) {
    long digits = completion.chars().filter(Character::isDigit).count();
    return RewardScore.of((double) digits / Math.max(1, completion.length()));
  }

  public static void main(String[] args) throws IOException {
    RunDirectory run = new RunDirectory(Path.of(args[2]));
    GrpoRun training =
        new GrpoRun(
            Path.of(args[0]),
            GrpoRun.Questions.of(Path.of(args[1])),
            new RewardSpec(List.of(CustomReward.class.getName()), List.of(1.0)),
            run,
            RunDirectory.AUTO, // continue from the newest checkpoint if there is one
            GrpoRun.Compute.onProcessor(Runtime.getRuntime().availableProcessors()),
            settings(Long.parseLong(args[3])));

    try (WriteLock _ = run.lock()) { // one process at a time writes to the directory
      training.run(new Printer(), System.out::println);
    }
  }

  /// The defaults without a KL penalty: 2 prompts a step, 16 completions of up to 12 tokens each.
  private static GrpoSettings settings(long steps) {
    GrpoSettings defaults = GrpoSettings.defaults(steps);
    SamplingSettings sampling = SamplingSettings.GREEDY.withTemperature(1);
    return defaults
        .withRollouts(GrpoSettings.Rollout.of(2, 16, 12, sampling))
        .withLoss(defaults.loss().withBeta(0))
        .withOptimizer(defaults.optimizer().withLearningRate(1e-3));
  }

  /// Prints every step.
  private record Printer() implements GrpoListener {
    @Override
    public void drew(List<CompletionRecord> completions) {}

    @Override
    public void started(TrainingReport report) {}

    @Override
    public void stepped(TrainingReport report) {
      System.out.println(report.line());
    }

    @Override
    public void skipped(long step, String reason) {
      System.out.println("step " + step + " skipped: " + reason);
    }

    @Override
    public void saved(Path checkpoint) {
      System.out.println("saved " + checkpoint);
    }
  }
}
