package bitnet.grpo;

import bitnet.training.OptionValues;
import java.util.List;

/// The loss of Group Relative Policy Optimization as a function of the tokens' log-probabilities.
/// For a token with ratio `r = exp(logp - old)`, or its mean over the answer, it is
///
/// ```
/// -min(r A, clip(r, 1 - epsilon, 1 + epsilonHigh) A) + beta KL(policy, reference)
/// ```
///
/// and [LossType] says how tokens are added up, the penalty like the rest.
///
/// @param type how tokens are added up
/// @param epsilon how far the ratio counts below 1
/// @param epsilonHigh how far it counts above 1
/// @param beta weight of the penalty; 0: none, and no reference is needed
/// @param kl the estimate that is the penalty
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
    return new GrpoLoss(
        LossType.GRPO, 0.2, 0.2, 0.04, KlEstimator.FORWARD, Importance.TOKEN, maxLength);
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
  /// @param kl the mean estimate over the tokens that count; 0 without a reference
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

    Sums dividedBy(int n) {
      return new Sums(loss / n, kl / n, clippedLow / n, clippedHigh / n);
    }
  }

  /// The loss of a batch or of a part of one.
  ///
  /// @param gradient by log-probability, `[answer][token]`; 0 for answers that do not count
  record Result(Sums sums, double[][] gradient) {}

  /// Value and gradient.
  ///
  /// @param logProbabilities by the present policy, `[answer][token]`
  /// @param rollouts as many, with as many tokens and with advantages
  /// @param totals of the whole batch
  Result of(double[][] logProbabilities, List<Rollout> rollouts, Totals totals) {
    Sums sums = Sums.NONE;
    double[][] gradient = new double[rollouts.size()][];
    for (int i = 0; i < gradient.length; i++) {
      Rollout rollout = rollouts.get(i);
      gradient[i] = new double[rollout.length()];
      if (rollout.learnable().counted()) {
        double weight =
            switch (type) {
              // an answer that does not count is one without tokens, and still one of the batch
              case GRPO -> 1.0 / rollout.length() / totals.answers();
              case BNPO, DAPO -> 1.0 / totals.tokens();
              case DR_GRPO -> 1.0 / ((double) totals.answers() * maxLength);
            };
        sums =
            sums.plus(
                add(logProbabilities[i], rollout, weight, (double) totals.tokens(), gradient[i]));
      }
    }
    return new Result(sums, gradient);
  }

  private Sums add(
      double[] logp, Rollout rollout, double weight, double tokens, double[] gradient) {
    double[] ratios = ratios(logp, rollout.samplerLogProbabilities());
    double loss = 0;
    double divergence = 0;
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
      if (rollout.referenceLogProbabilities().length > 0) {
        double reference = rollout.referenceLogProbabilities()[t];
        divergence += kl.value(logp[t], reference);
        loss += beta * weight * kl.value(logp[t], reference);
        gradient[t] += beta * weight * kl.slope(logp[t], reference);
      }
    }
    for (int t = 0; importance == Importance.SEQUENCE && t < logp.length; t++) {
      gradient[t] += shared;
    }
    return new Sums(loss, divergence / tokens, low / tokens, high / tokens);
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
