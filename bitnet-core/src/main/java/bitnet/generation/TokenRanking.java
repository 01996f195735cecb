package bitnet.generation;

import bitnet.model.LogSoftmax;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// How probable a token was in the model's own distribution, and which tokens were most probable.
///
/// @param token whose probability it is
/// @param logProbability natural logarithm of its probability: the softmax of the logits as they
///     came
/// @param top the most probable tokens, the most probable first; of equal ones the lower id
public record TokenRanking(int token, double logProbability, List<Ranked> top) {

  /// A token and the natural logarithm of its probability.
  public record Ranked(int token, double logProbability) {}

  /// Copies the list.
  public TokenRanking {
    top = List.copyOf(top);
  }

  /// Ranks the tokens of a distribution.
  ///
  /// @param logits `[vocab]`
  /// @param count most probable tokens that are wanted, 0 for none
  public static TokenRanking of(float[] logits, int token, int count) {
    float highest = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit);
    }
    double logMass = LogSoftmax.logMass(logits, highest);
    List<Ranked> top = new ArrayList<>();
    for (int id : highestIds(logits, count)) {
      top.add(new Ranked(id, (double) logits[id] - highest - logMass));
    }
    return new TokenRanking(token, (double) logits[token] - highest - logMass, top);
  }

  private static List<Integer> highestIds(float[] logits, int count) {
    Comparator<Integer> worstFirst =
        Comparator.<Integer>comparingDouble(id -> logits[id])
            .thenComparing(Comparator.reverseOrder());
    PriorityQueue<Integer> kept = new PriorityQueue<>(Math.max(1, count + 1), worstFirst);
    for (int id = 0; id < logits.length && count > 0; id++) {
      if (kept.size() < count) {
        kept.add(id);
      } else if (logits[id] > logits[kept.element()]) {
        kept.remove();
        kept.add(id);
      }
    }
    return kept.stream().sorted(worstFirst.reversed()).toList();
  }
}
