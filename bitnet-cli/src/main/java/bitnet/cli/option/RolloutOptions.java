package bitnet.cli.option;

import bitnet.generation.SamplingSettings;
import bitnet.grpo.GrpoSettings;
import bitnet.setting.SettingChecks;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of the rollouts of `train-grpo`.
public final class RolloutOptions {

  @Option(
      names = "--batch_size",
      defaultValue = "16",
      paramLabel = "N",
      description = "Prompts per optimizer step (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(
      names = "--rollout_batch",
      paramLabel = "N",
      description =
          "Prompts whose completions are sampled per step, a multiple of --batch_size: the step "
              + "then makes several optimizer steps (default: --batch_size).")
  private @Nullable Integer rolloutBatch;

  @Option(
      names = "--group_size",
      defaultValue = "8",
      paramLabel = "N",
      description =
          "Completions sampled per prompt (the group of GRPO), at least 2 (default: "
              + "${DEFAULT-VALUE}).")
  private int groupSize;

  @Option(
      names = "--max_length",
      defaultValue = "128",
      paramLabel = "N",
      description = "Maximum number of tokens of a completion (default: ${DEFAULT-VALUE}).")
  private int maxLength;

  @Option(
      names = "--temperature",
      defaultValue = "1",
      paramLabel = "X",
      description = "Sampling temperature of the rollouts, above 0 (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--top_p",
      defaultValue = "1",
      paramLabel = "P",
      description =
          "Nucleus sampling of the rollouts: keep the smallest set of tokens whose total "
              + "probability reaches P, above 0 and at most 1 (default: ${DEFAULT-VALUE}).")
  private double topP;

  @Option(
      names = "--min_informative_groups",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Dynamic sampling, as in DAPO: sample further prompts until N groups have completions "
              + "with different rewards, and learn from these only; 0: off (default: "
              + "${DEFAULT-VALUE}).")
  private int minInformativeGroups;

  @Option(
      names = "--max_rollout_batches",
      defaultValue = "4",
      paramLabel = "N",
      description =
          "Batches of prompts that --min_informative_groups may sample per step (default: "
              + "${DEFAULT-VALUE}).")
  private int maxRolloutBatches;

  @Option(
      names = "--overlong_buffer",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Soft length penalty, as in DAPO: the reward falls over the last N tokens before "
              + "--max_length, of corrections before --second_max_length; 0: none (default: "
              + "${DEFAULT-VALUE}).")
  private int overlongBuffer;

  @Option(
      names = "--overlong_penalty",
      defaultValue = "1",
      paramLabel = "X",
      description =
          "What a completion of --max_length tokens loses with --overlong_buffer (default: "
              + "${DEFAULT-VALUE}).")
  private double overlongPenalty;

  private RolloutOptions() {}

  /// Maximum number of tokens of a completion.
  public int maxLength() {
    return maxLength;
  }

  /// Prompts per optimizer step.
  public int batchSize() {
    return batchSize;
  }

  /// How completions are sampled.
  ///
  /// @throws IllegalArgumentException if a value is out of range
  public GrpoSettings.Rollout rollout(long seed) {
    int prompts = rolloutBatch == null ? batchSize : rolloutBatch;
    if (rolloutBatch != null) {
      SettingChecks.atLeast("rollout_batch", rolloutBatch, 1);
    }
    if (batchSize > 0 && prompts % batchSize != 0) {
      throw new IllegalArgumentException(
          "--rollout_batch %d is not a multiple of --batch_size %d; use %d"
              .formatted(prompts, batchSize, Math.ceilDiv(prompts, batchSize) * batchSize));
    }
    return new GrpoSettings.Rollout(
        prompts,
        groupSize,
        maxLength,
        new SamplingSettings(temperature, 0, topP, 0, 1, seed),
        new GrpoSettings.DynamicSampling(minInformativeGroups, maxRolloutBatches),
        new GrpoSettings.Overlong(overlongBuffer, overlongPenalty));
  }
}
