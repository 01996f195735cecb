package bitnet.grpo;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// An estimate of how far the policy has moved from the reference, a token at a time.
public enum KlEstimator {
  /// `p (ln p - ln ref)`: the token's own term of the forward divergence.
  FORWARD {
    @Override
    double value(double logp, double reference) {
      return Math.exp(logp) * (logp - reference);
    }

    @Override
    double slope(double logp, double reference) {
      return Math.exp(logp) * (logp - reference + 1);
    }
  },

  /// `ref / p - ln(ref / p) - 1`: never negative, unbiased over tokens drawn from the policy.
  K3 {
    @Override
    double value(double logp, double reference) {
      return Math.exp(reference - logp) - (reference - logp) - 1;
    }

    @Override
    double slope(double logp, double reference) {
      return 1 - Math.exp(reference - logp);
    }
  };

  /// The estimate.
  ///
  /// @param logp the policy's log-probability of a token
  /// @param reference the reference's
  abstract double value(double logp, double reference);

  /// Its derivative by `logp`.
  abstract double slope(double logp, double reference);

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The estimator of that name.
  ///
  /// @throws IllegalArgumentException if there is none
  public static KlEstimator of(String key) {
    return NamedValues.find(values(), KlEstimator::key, key, "kl");
  }
}
