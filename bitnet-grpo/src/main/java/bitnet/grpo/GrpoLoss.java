package bitnet.grpo;

import bitnet.training.OptionValues;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The loss of Group Relative Policy Optimization as a function of the tokens' log-probabilities.
/// For a token with ratio `r = exp(logp - old)`, or its mean over the answer, it is
///
/// ```
/// -min(r A, clip(r, 1 - epsilon, 1 + epsilonHigh) A) + beta KL(policy, reference)
/// ```
///
/// and [LossType] says how tokens are added up, the penalty like the rest. All probabilities are
/// those of sampling, at its temperature and among the tokens that its filters kept.
///
/// @param type how tokens are added up
/// @param epsilon how far the ratio counts below 1
/// @param epsilonHigh how far it counts above 1
/// @param beta weight of the penalty; 0: none, and no reference is needed
/// @param kl the penalty: the divergence or an estimate
/// @param importance what the ratio is taken of
/// @param maxLength the most tokens that an answer may have, for [LossType#DR_GRPO]
public record GrpoLoss(
    LossType type,
    double epsilon,
    double epsilonHigh,
    double beta,
    KlEstimator kl,
    Importance importance,
    int maxLength) {

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public GrpoLoss {
    if (!(epsilon > 0 && epsilon < 1)) {
      throw new IllegalArgumentException(
          "clip_eps %s is not above 0 and below 1; use 0.2".formatted(epsilon));
    }
    if (!(epsilonHigh > 0 && Double.isFinite(epsilonHigh))) {
      throw new IllegalArgumentException(
          "epsilon_high %s is not a finite number above 0; use 0.2 or 0.28".formatted(epsilonHigh));
    }
    if (!(beta >= 0 && Double.isFinite(beta))) {
      throw new IllegalArgumentException(
          "beta %s is not a finite number of at least 0; use 0.04".formatted(beta));
    }
    if (maxLength < 1) {
      throw new IllegalArgumentException(
          "max_length %d must be at least 1; use 128".formatted(maxLength));
    }
  }

  /// The defaults: token means per completion, clip range 0.2, a KL penalty of 0.04.
  ///
  /// @param maxLength maximum number of tokens of a completion
  public static GrpoLoss defaults(int maxLength) {
    return new GrpoLoss(LossType.GRPO, 0.2, 0.2, 0.04, KlEstimator.K3, Importance.TOKEN, maxLength);
  }

  /// The published clip range: 0.2 on both sides of token ratios (arXiv 1707.06347); of the ratios
  /// of sequences, which hardly leave 1, 3e-4 below and 4e-4 above (GSPO, arXiv 2507.18071).
  public GrpoLoss withDefaultClip() {
    boolean tokens = importance == Importance.TOKEN;
    return new GrpoLoss(
        type, tokens ? 0.2 : 3e-4, tokens ? 0.2 : 4e-4, beta, kl, importance, maxLength);
  }

  /// What must be equal when a run is resumed.
  OptionValues options() {
    return new OptionValues()
        .put("loss_type", type.key())
        .put("clip_eps", epsilon)
        .put("epsilon_high", epsilonHigh)
        .put("beta", beta)
        .put("kl", kl.key())
        .put("importance", importance.key());
  }

  /// The same loss with another weight of the KL penalty.
  public GrpoLoss withBeta(double other) {
    return new GrpoLoss(type, epsilon, epsilonHigh, other, kl, importance, maxLength);
  }

  /// The same loss with other sums over tokens.
  public GrpoLoss withType(LossType other) {
    return new GrpoLoss(other, epsilon, epsilonHigh, beta, kl, importance, maxLength);
  }

  /// The same loss with another KL penalty.
  public GrpoLoss withKl(KlEstimator other) {
    return new GrpoLoss(type, epsilon, epsilonHigh, beta, other, importance, maxLength);
  }

  /// The same loss with other importance ratios.
  public GrpoLoss withImportance(Importance other) {
    return new GrpoLoss(type, epsilon, epsilonHigh, beta, kl, other, maxLength);
  }

  /// The same loss with another clip range.
  public GrpoLoss withClip(double below, double above) {
    return new GrpoLoss(type, below, above, beta, kl, importance, maxLength);
  }

  /// What is unusual about the settings, for people; empty if nothing is.
  List<String> remarks() {
    return importance == Importance.SEQUENCE && type != LossType.GRPO
        ? List.of(
            "--importance sequence with --loss_type %s weights completions by their length, which is"
                    .formatted(type.key())
                + " not GSPO; GSPO is --loss_type grpo")
        : List.of();
  }

  /// The same loss for answers of another length.
  GrpoLoss withMaxLength(int other) {
    return new GrpoLoss(type, epsilon, epsilonHigh, beta, kl, importance, other);
  }

  /// The tokens and completions of a whole batch; its parts may be computed one after the other.
  ///
  /// @param answers those that do not count included
  /// @param tokens of answers that count
  record Totals(int answers, long tokens) {
    static Totals of(List<Rollout> rollouts) {
      return new Totals(
          rollouts.size(),
          rollouts.stream()
              .filter(rollout -> rollout.learnable().counted())
              .mapToLong(Rollout::length)
              .sum());
    }
  }

  /// What a batch, or a part of one, adds up to.
  ///
  /// @param loss its value
  /// @param kl the mean divergence or estimate over the tokens that count; 0 without a reference
  /// @param clippedLow share of these tokens whose ratio was below the range, with a negative
  ///     advantage, so that they had no gradient
  /// @param clippedHigh share above the range, with a positive advantage
  public record Sums(double loss, double kl, double clippedLow, double clippedHigh) {
    static final Sums NONE = new Sums(0, 0, 0, 0);

    Sums plus(Sums more) {
      return new Sums(
          loss + more.loss,
          kl + more.kl,
          clippedLow + more.clippedLow,
          clippedHigh + more.clippedHigh);
    }

    /// Divides all but the loss.
    private Sums perToken(double tokens) {
      return new Sums(loss, kl / tokens, clippedLow / tokens, clippedHigh / tokens);
    }

    Sums dividedBy(int n) {
      return new Sums(loss / n, kl / n, clippedLow / n, clippedHigh / n);
    }
  }

  /// The loss of a batch or of a part of one.
  ///
  /// @param gradient by log-probability, `[answer][token]`; 0 for answers that do not count
  /// @param klGradient by the exact divergence of each token, `[answer][token]`; empty where the
  ///     penalty is an estimate or there is none
  record Result(Sums sums, double[][] gradient, double[][] klGradient) {}

  /// The reference policy at each completion token.
  ///
  /// @param logProbabilities of the sampled token, `[answer][token]`
  /// @param divergences of the policy from the reference, over the vocabulary, `[answer][token]`
  record Comparison(double[][] logProbabilities, double[][] divergences) {}

  /// Value and gradient.
  ///
  /// @param logProbabilities by the present policy, `[answer][token]`
  /// @param comparison with the reference; null without a penalty
  /// @param rollouts as many, with as many tokens and with advantages
  /// @param totals of the whole batch
  Result of(
      double[][] logProbabilities,
      @Nullable Comparison comparison,
      List<Rollout> rollouts,
      Totals totals) {
    Sums sums = Sums.NONE;
    double[][] gradient = new double[rollouts.size()][];
    boolean exact = comparison != null && kl.isExact();
    double[][] klGradient = new double[exact ? rollouts.size() : 0][];
    for (int i = 0; i < gradient.length; i++) {
      Rollout rollout = rollouts.get(i);
      gradient[i] = new double[rollout.length()];
      if (exact) {
        klGradient[i] = new double[rollout.length()];
      }
      if (rollout.learnable().counted()) {
        double weight = weight(rollout, totals);
        Sums part = surrogate(logProbabilities[i], rollout, weight, gradient[i]);
        if (comparison != null) {
          double[] reference = comparison.logProbabilities()[i];
          double[] divergences = comparison.divergences()[i];
          double[] slopes = exact ? klGradient[i] : gradient[i];
          part = part.plus(penalty(logProbabilities[i], reference, divergences, weight, slopes));
        }
        sums = sums.plus(part.perToken((double) totals.tokens()));
      }
    }
    return new Result(sums, gradient, klGradient);
  }

  private double weight(Rollout rollout, Totals totals) {
    return switch (type) {
      // an answer that does not count is one without tokens, and still one of the batch
      case GRPO -> 1.0 / rollout.length() / totals.answers();
      case BNPO, DAPO -> 1.0 / totals.tokens();
      case DR_GRPO -> 1.0 / ((double) totals.answers() * maxLength);
    };
  }

  /// The penalty of an answer; adds the slopes of its tokens: by the divergence where that is
  /// exact, else by the log-probability.
  private Sums penalty(
      double[] logp, double[] reference, double[] divergences, double weight, double[] slopes) {
    double sum = 0;
    for (int t = 0; t < logp.length; t++) {
      sum += kl.value(logp[t], reference[t], divergences[t]);
      slopes[t] += beta * weight * (kl.isExact() ? 1 : kl.slope(logp[t], reference[t]));
    }
    return new Sums(beta * weight * sum, sum, 0, 0);
  }

  /// The clipped surrogate of an answer; its counts are not yet shares.
  private Sums surrogate(double[] logp, Rollout rollout, double weight, double[] gradient) {
    double[] ratios = ratios(logp, rollout.samplerLogProbabilities());
    double loss = 0;
    int low = 0;
    int high = 0;
    double shared = 0; // the slope of the answer's ratio, summed over its tokens
    for (int t = 0; t < logp.length; t++) {
      double advantage = rollout.learnable().values()[t];
      double clipped = Math.clamp(ratios[t], 1 - epsilon, 1 + epsilonHigh);
      loss -= weight * Math.min(ratios[t] * advantage, clipped * advantage);
      low += ratios[t] < 1 - epsilon && advantage < 0 ? 1 : 0;
      high += ratios[t] > 1 + epsilonHigh && advantage > 0 ? 1 : 0;
      if (ratios[t] * advantage <= clipped * advantage) {
        double slope = -weight * ratios[t] * advantage;
        gradient[t] += importance == Importance.TOKEN ? slope : 0;
        shared += slope / logp.length;
      }
    }
    for (int t = 0; importance == Importance.SEQUENCE && t < logp.length; t++) {
      gradient[t] += shared;
    }
    return new Sums(loss, 0, low, high);
  }

  /// `exp(logp - old)` of each token, or for all of them its geometric mean.
  private double[] ratios(double[] logp, double[] old) {
    double[] ratios = new double[logp.length];
    double sum = 0;
    for (int t = 0; t < logp.length; t++) {
      ratios[t] = logp[t] - old[t];
      sum += ratios[t];
    }
    for (int t = 0; t < logp.length; t++) {
      ratios[t] = Math.exp(importance == Importance.TOKEN ? ratios[t] : sum / logp.length);
    }
    return ratios;
  }
}
