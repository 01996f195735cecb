package bitnet.cli.option;

import bitnet.grpo.GrpoLoss;
import bitnet.grpo.Importance;
import bitnet.grpo.KlEstimator;
import bitnet.grpo.LossType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of the loss of `train-grpo`.
public final class LossOptions {

  @Option(
      names = "--loss_type",
      defaultValue = "grpo",
      paramLabel = "T",
      description =
          "Aggregation of the token losses: grpo (mean over the tokens of a completion, "
              + "then over completions), bnpo (mean over all tokens of the batch), dapo (the same as "
              + "bnpo here) or dr_grpo (sum divided by --max_length) (default: ${DEFAULT-VALUE}).")
  private String type;

  @Option(
      names = "--clip_eps",
      paramLabel = "X",
      description =
          "PPO clip range epsilon of the importance ratio, above 0 and below 1. It has an effect "
              + "only with several optimizer steps per step: --num_iterations above 1, or a "
              + "--rollout_batch above --batch_size (default: 0.2; with --importance sequence 3e-4).")
  private @Nullable Double clipEps;

  @Option(
      names = "--epsilon_high",
      paramLabel = "X",
      description =
          "Upper clip range, as in DAPO (clip-higher), above 0 (default: --clip_eps; with "
              + "--importance sequence 4e-4).")
  private @Nullable Double epsilonHigh;

  @Option(
      names = "--beta",
      defaultValue = "0.04",
      paramLabel = "X",
      description =
          "Coefficient of the KL penalty against the reference model; 0 disables the "
              + "reference model (default: ${DEFAULT-VALUE}).")
  private double beta;

  @Option(
      names = "--kl",
      defaultValue = "k3",
      paramLabel = "K",
      description =
          "KL penalty of each token: forward (the divergence, the sum of p (ln p - ln ref) over "
              + "the vocabulary), or an estimate by the sampled token: k1 (ln p - ln ref; as a "
              + "penalty without effect on average) or k3 (ref/p - ln(ref/p) - 1) "
              + "(default: ${DEFAULT-VALUE}).")
  private String kl;

  @Option(
      names = "--importance",
      defaultValue = "token",
      paramLabel = "I",
      description =
          "Importance ratio: per token, or per sequence as in GSPO, which is defined for "
              + "--loss_type grpo (default: ${DEFAULT-VALUE}).")
  private String importance;

  private LossOptions() {}

  /// The loss for completions of a length.
  public GrpoLoss loss(int maxLength) {
    GrpoLoss defaults =
        GrpoLoss.defaults(maxLength)
            .withType(LossType.of(type))
            .withImportance(Importance.of(importance))
            .withDefaultClip()
            .withKl(KlEstimator.of(kl))
            .withBeta(beta);
    if (clipEps == null) {
      return defaults.withClip(
          defaults.epsilon(), epsilonHigh == null ? defaults.epsilonHigh() : epsilonHigh);
    }
    return defaults.withClip(clipEps, epsilonHigh == null ? clipEps : epsilonHigh);
  }
}
