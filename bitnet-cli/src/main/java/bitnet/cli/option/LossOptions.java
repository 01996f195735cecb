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
          "How tokens are added up: grpo (mean of each answer), bnpo, dapo (all tokens alike) or"
              + " dr_grpo (by the longest length) (default: ${DEFAULT-VALUE}).")
  private String type;

  @Option(
      names = "--clip_eps",
      defaultValue = "0.2",
      paramLabel = "X",
      description =
          "How far the ratio of new to old probability counts (default: ${DEFAULT-VALUE}).")
  private double clipEps;

  @Option(
      names = "--epsilon_high",
      paramLabel = "X",
      description = "How far it counts above 1 (default: --clip_eps).")
  private @Nullable Double epsilonHigh;

  @Option(
      names = "--beta",
      defaultValue = "0.04",
      paramLabel = "X",
      description =
          "Weight of the divergence from the reference policy; 0: no reference (default:"
              + " ${DEFAULT-VALUE}).")
  private double beta;

  @Option(
      names = "--kl",
      defaultValue = "forward",
      paramLabel = "K",
      description = "Its estimate: forward (p (ln p - ln ref)) or k3 (default: ${DEFAULT-VALUE}).")
  private String kl;

  @Option(
      names = "--importance",
      defaultValue = "token",
      paramLabel = "I",
      description =
          "The ratio of each token, or of the whole sequence (default: ${DEFAULT-VALUE}).")
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
