package bitnet.generation;

import bitnet.grammar.TokenMask;
import org.jspecify.annotations.Nullable;

/// Chooses the next token from logits. Stateless: the same arguments give the same token.
public sealed interface Sampler permits GreedySampler, StochasticSampler {

  /// The sampler of these settings; temperature 0 is greedy.
  static Sampler of(SamplingSettings settings) {
    return of(settings, false);
  }

  /// The sampler of these settings; temperature 0 is greedy.
  ///
  /// @param recorded whether drawn tokens carry the distribution that they were drawn from; a
  ///     greedy choice has none
  static Sampler of(SamplingSettings settings, boolean recorded) {
    return settings.temperature() == 0
        ? new GreedySampler(settings)
        : new StochasticSampler(settings, recorded);
  }

  /// Chooses a token, of all.
  ///
  /// @param logits `[vocab]`, unchanged; minus infinity excludes a token
  /// @param history the tokens of prompt and completion so far, for the penalties
  /// @param uniform a random number from 0 to below 1, for example of a [RandomStream]
  /// @throws IllegalArgumentException if a logit is NaN or plus infinity, or all are minus
  ///     infinity, or a bias is of a token outside the vocabulary
  default SampledToken sample(float[] logits, TokenHistory history, double uniform) {
    return sample(logits, history, null, uniform);
  }

  /// Chooses a token of some.
  ///
  /// @param allowed the tokens to choose from, or null for all
  /// @throws IllegalArgumentException as above
  SampledToken sample(
      float[] logits, TokenHistory history, @Nullable TokenMask allowed, double uniform);
}
