package bitnet.generation;

import bitnet.grammar.TokenMask;
import bitnet.model.LogSoftmax;
import org.jspecify.annotations.Nullable;

/// Takes the most probable token, of equals the one with the lowest id.
///
/// @param settings of which the penalties and the bias count
record GreedySampler(SamplingSettings settings) implements Sampler {

  @Override
  public SampledToken sample(
      float[] logits, TokenHistory history, @Nullable TokenMask allowed, double uniform) {
    float highest = logits[LogitMath.best(logits)];
    int id = LogitMath.best(LogitMath.adjusted(logits, history, settings, allowed));
    return new SampledToken(id, 0, LogSoftmax.at(logits, id, highest));
  }
}
