package bitnet.grpo;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// The divergence of the policy `p` from the reference `ref` that the loss penalizes, for each
/// completion token.
public enum KlEstimator {
  /// `sum p (ln p - ln ref)` over the vocabulary: the divergence itself. Its gradient is zero where
  /// the policy is the reference.
  FORWARD {
    @Override
    double value(double logp, double reference, double exact) {
      return exact;
    }

    @Override
    double slope(double logp, double reference) {
      return 0;
    }
  },

  /// `ln p - ln ref` of the sampled token: unbiased, may be negative. As a penalty it has no effect
  /// on average: its gradient is that of the log-probability, whose expectation is zero.
  K1 {
    @Override
    double value(double logp, double reference, double exact) {
      return logp - reference;
    }

    @Override
    double slope(double logp, double reference) {
      return 1;
    }
  },

  /// `ref / p - ln(ref / p) - 1` of the sampled token: unbiased, never negative; TRL's penalty.
  K3 {
    @Override
    double value(double logp, double reference, double exact) {
      return Math.exp(reference - logp) - (reference - logp) - 1;
    }

    @Override
    double slope(double logp, double reference) {
      return 1 - Math.exp(reference - logp);
    }
  };

  /// The divergence or its estimate, in nats.
  ///
  /// @param logp the policy's log-probability of the sampled token
  /// @param reference the reference's
  /// @param exact the divergence of the two distributions
  abstract double value(double logp, double reference, double exact);

  /// The derivative of an estimate by `logp`; 0 for the exact divergence, which depends on all
  /// log-probabilities.
  abstract double slope(double logp, double reference);

  /// Whether it is computed from the whole distribution.
  boolean isExact() {
    return this == FORWARD;
  }

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The divergence or estimator of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static KlEstimator of(String key) {
    return NamedValues.find(values(), KlEstimator::key, key, "kl");
  }
}
