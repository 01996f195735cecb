package bitnet.generation;

import java.util.BitSet;

/// Arithmetic on logits.
final class LogitMath {
  private LogitMath() {}

  /// The logits with the repetition penalty of CTRL (arXiv 1909.05858) as transformers applies it:
  /// positive ones of seen tokens are divided, negative ones multiplied.
  static float[] penalized(float[] logits, BitSet seen, double penalty) {
    float[] scores = logits.clone();
    if (penalty != 1) {
      for (int id = seen.nextSetBit(0);
          id >= 0 && id < scores.length;
          id = seen.nextSetBit(id + 1)) {
        float score = scores[id];
        scores[id] = (float) (score < 0 ? score * penalty : score / penalty);
      }
    }
    return scores;
  }

  /// The lowest index of the highest score.
  ///
  /// @throws IllegalArgumentException if a score is NaN or plus infinity, or all are minus infinity
  static int best(float[] scores) {
    int best = -1;
    float highest = Float.NEGATIVE_INFINITY;
    for (int id = 0; id < scores.length; id++) {
      float score = scores[id];
      if (!(score < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "the logit of token %d is %s; the model's weights are damaged or its training diverged"
                .formatted(id, score));
      }
      if (score > highest) {
        highest = score;
        best = id;
      }
    }
    if (best < 0) {
      throw new IllegalArgumentException(
          "all %d logits are minus infinity; leave at least one token possible"
              .formatted(scores.length));
    }
    return best;
  }
}
