package bitnet.reward;

import java.util.List;

/// What a reward says of a completion: one number and, if it scores every part, their numbers.
///
/// @param outcome of the completion as a whole; higher is better
/// @param parts the scores of its parts, from its beginning to its end; empty where the reward
///     scores the whole only
public record RewardScore(double outcome, List<Part> parts) {

  /// The score of a part of a completion.
  ///
  /// @param end the number of characters (UTF-16 units) of the completion before its end
  /// @param score higher is better
  public record Part(int end, double score) {

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException if the end is negative or the score is not a finite number
    public Part {
      if (end < 0 || !Double.isFinite(score)) {
        throw new IllegalArgumentException(
            "invalid part with end %d and score %s: the end must be at least 0 and the score"
                    .formatted(end, score)
                + " finite");
      }
    }
  }

  /// Checks the numbers and copies the list.
  ///
  /// @throws IllegalArgumentException if the outcome is not a finite number or the parts do not
  ///     follow
  ///     each other
  public RewardScore {
    parts = List.copyOf(parts);
    if (!Double.isFinite(outcome)) {
      throw new IllegalArgumentException(
          "reward %s is not a finite number; fix the reward that returned it".formatted(outcome));
    }
    for (int i = 1; i < parts.size(); i++) {
      if (parts.get(i).end() < parts.get(i - 1).end()) {
        throw new IllegalArgumentException(
            "part %d ends at %d, before the one before it, at %d; give them in their order"
                .formatted(i, parts.get(i).end(), parts.get(i - 1).end()));
      }
    }
  }

  /// The score of a reward that scores the whole.
  public static RewardScore of(double outcome) {
    return new RewardScore(outcome, List.of());
  }

  /// Whether the parts are scored.
  public boolean isDense() {
    return !parts.isEmpty();
  }

  /// The part scores laid on other parts of the same completion, such as the tokens of a policy:
  /// each goes to the one in which it ends, the rest to the last, so that their sum stays the same.
  ///
  /// @param ends where these end, in characters, increasing; at least one
  public double[] onto(int[] ends) {
    double[] scores = new double[ends.length];
    int at = 0;
    for (Part part : parts) {
      while (at < ends.length - 1 && ends[at] < part.end()) {
        at++;
      }
      scores[at] += part.score();
    }
    return scores;
  }
}
