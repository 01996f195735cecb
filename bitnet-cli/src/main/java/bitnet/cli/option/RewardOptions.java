package bitnet.cli.option;

import bitnet.reward.RewardSpec;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/// The rewards that completions are scored by.
public final class RewardOptions {

  @Option(
      names = "--reward_model",
      arity = "1..*",
      paramLabel = "R",
      description =
          "Rewards: f1 (qa_reward), final_answer (exact), format, length, random (a control), an"
              + " expression over these, the directory of a model from train-reward, or a class"
              + " (default: f1).")
  private List<String> rewardModels = new ArrayList<>();

  @Option(
      names = "--reward_weights",
      arity = "1..*",
      paramLabel = "W",
      description = "One weight for each --reward_model (default: 1).")
  private List<Double> rewardWeights = new ArrayList<>();

  private RewardOptions() {}

  /// The rewards and their weights.
  ///
  /// @throws IllegalArgumentException if there are not as many weights
  public RewardSpec spec() {
    return new RewardSpec(rewardModels.isEmpty() ? List.of("f1") : rewardModels, rewardWeights);
  }
}
