package bitnet.generation;

import bitnet.grammar.TokenMask;
import org.jspecify.annotations.Nullable;

/// Arithmetic on logits.
final class LogitMath {
  private LogitMath() {}

  /// The logits with the bias, the repetition penalty of CTRL (arXiv 1909.05858) as transformers
  /// applies it (positive logits of seen tokens are divided by it, negative ones multiplied), and
  /// the penalties of OpenAI's API; minus infinity for tokens that are not allowed.
  ///
  /// @throws IllegalArgumentException if the bias is of a token outside the vocabulary
  static float[] adjusted(
      float[] logits,
      TokenHistory history,
      SamplingSettings settings,
      @Nullable TokenMask allowed) {
    float[] scores = logits.clone();
    LogitAdjustments adjustments = settings.adjustments();
    adjustments
        .bias()
        .forEach((token, bias) -> scores[checked(token, scores)] += bias.floatValue());
    double penalty = settings.repetitionPenalty();
    if (penalty != 1) {
      history.forSeen(
          id -> {
            if (id < scores.length) {
              float score = scores[id];
              scores[id] = (float) (score < 0 ? score * penalty : score / penalty);
            }
          });
    }
    double frequency = adjustments.frequencyPenalty();
    double presence = adjustments.presencePenalty();
    if (frequency != 0 || presence != 0) {
      history
          .drawn()
          .forEach((id, count) -> scores[id] = (float) (scores[id] - frequency * count - presence));
    }
    if (allowed != null) {
      allowed.apply(scores);
    }
    return scores;
  }

  private static int checked(int token, float... scores) {
    if (token >= scores.length) {
      throw new IllegalArgumentException(
          "logit_bias has the token id %d, which is outside the vocabulary; use 0 to %d"
              .formatted(token, scores.length - 1));
    }
    return token;
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
