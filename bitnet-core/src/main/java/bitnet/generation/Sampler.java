package bitnet.generation;

import java.util.BitSet;

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
        ? new GreedySampler(settings.repetitionPenalty())
        : new StochasticSampler(settings, recorded);
  }

  /// Chooses a token.
  ///
  /// @param logits `[vocab]`, unchanged; minus infinity excludes a token
  /// @param seen the tokens of prompt and completion so far, for the repetition penalty
  /// @param uniform a random number from 0 to below 1, for example of a [RandomStream]
  /// @throws IllegalArgumentException if a logit is NaN or plus infinity, or all are minus infinity
  SampledToken sample(float[] logits, BitSet seen, double uniform);
}
