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
      defaultValue = "0.2",
      paramLabel = "X",
      description =
          "PPO clip range epsilon of the importance ratio, at least 0. It has an effect "
              + "only with --num_iterations above 1 (default: ${DEFAULT-VALUE}).")
  private double clipEps;

  @Option(
      names = "--epsilon_high",
      paramLabel = "X",
      description = "Upper clip range, as in DAPO (clip-higher) (default: --clip_eps).")
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
      defaultValue = "forward",
      paramLabel = "K",
      description =
          "KL estimator: forward (p (ln p - ln ref) of the sampled token) or k3 (ref/p - "
              + "ln(ref/p) - 1) (default: ${DEFAULT-VALUE}).")
  private String kl;

  @Option(
      names = "--importance",
      defaultValue = "token",
      paramLabel = "I",
      description =
          "Importance ratio: per token, or per sequence as in GSPO (default: "
              + "${DEFAULT-VALUE}).")
  private String importance;

  private LossOptions() {}

  public GrpoLoss loss(int maxLength) {
    return new GrpoLoss(
        LossType.of(type),
        clipEps,
        epsilonHigh == null ? clipEps : epsilonHigh,
        beta,
        KlEstimator.of(kl),
        Importance.of(importance),
        maxLength);
  }
}
