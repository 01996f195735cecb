package bitnet.cli.option;

import bitnet.graph.ForwardPass;
import bitnet.grpo.GrpoSettings;
import bitnet.grpo.RewardScaling;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of the advantages and the updates of `train-grpo`.
public final class UpdateOptions {

  @Option(
      names = "--scale_rewards",
      defaultValue = "group",
      paramLabel = "S",
      description =
          "Divide advantages by the standard deviation of the rewards of the group or "
              + "batch, or by none (default: ${DEFAULT-VALUE}).")
  private String scaleRewards;

  @Option(
      names = "--negative_weight",
      defaultValue = "1",
      paramLabel = "X",
      description =
          "Factor of negative advantages, 0 to 1: below 1 the policy learns less from bad "
              + "completions than from good ones (default: ${DEFAULT-VALUE}).")
  private double negativeWeight;

  @Option(
      names = "--num_iterations",
      defaultValue = "1",
      paramLabel = "N",
      description =
          "Optimizer steps per batch of rollouts (mu in the GRPO paper) (default: "
              + "${DEFAULT-VALUE}).")
  private int iterations;

  @Option(names = "--mask_truncated", description = "Exclude truncated completions from the loss.")
  private boolean maskTruncated;

  @Option(
      names = "--ref_sync",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Copy the policy to the reference model every N steps; 0: never (default: "
              + "${DEFAULT-VALUE}).")
  private long refSync;

  @Option(
      names = "--pass_tokens",
      defaultValue = "4096",
      paramLabel = "N",
      description =
          "Maximum number of tokens per forward pass of the update; a smaller value "
              + "needs less memory (default: ${DEFAULT-VALUE}).")
  private int passTokens;

  @Option(
      names = "--target_kl",
      paramLabel = "X",
      description =
          "Divergence per completion, in nats, that one step should make (metric step_kl): the "
              + "learning rate is halved after a step above twice X, and doubled again up to --lr "
              + "after one below half; 0: off (default: "
              + GrpoSettings.Update.TARGET_KL
              + "; a resumed run keeps its own).")
  private @Nullable Double targetKl;

  private UpdateOptions() {}

  /// How rewards become advantages.
  public GrpoSettings.AdvantageSettings advantages() {
    return new GrpoSettings.AdvantageSettings(RewardScaling.of(scaleRewards), negativeWeight);
  }

  /// How the policy learns.
  ///
  /// @param batchPrompts prompts per optimizer step
  /// @param resumed the options of the checkpoint to resume; empty for a new run
  public GrpoSettings.Update update(
      ForwardPass.Keep keep, int batchPrompts, Map<String, String> resumed) {
    return new GrpoSettings.Update(
        iterations,
        maskTruncated,
        refSync,
        keep,
        passTokens,
        batchPrompts,
        targetKl == null ? GrpoSettings.Update.targetKl(resumed) : targetKl);
  }
}
