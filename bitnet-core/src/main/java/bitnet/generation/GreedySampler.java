package bitnet.generation;

import bitnet.model.LogSoftmax;
import java.util.BitSet;

/// Takes the most probable token, of equals the one with the lowest id.
///
/// @param repetitionPenalty see [SamplingSettings]
record GreedySampler(double repetitionPenalty) implements Sampler {

  @Override
  public SampledToken sample(float[] logits, BitSet seen, double uniform) {
    float highest = logits[LogitMath.best(logits)];
    int id = LogitMath.best(LogitMath.penalized(logits, seen, repetitionPenalty));
    return new SampledToken(id, 0, LogSoftmax.at(logits, id, highest));
  }
}
