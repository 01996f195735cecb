package bitnet.reward;

/// 0 for a completion of up to `free` characters, -1 from `limit` on, and a straight line between:
/// the soft punishment of DAPO (arXiv 2503.14476), on characters instead of tokens.
public final class LengthPenalty implements Reward {
  private final int free;
  private final int limit;

  /// The penalty from 1,000 to 2,000 characters.
  public LengthPenalty() {
    this(1000, 2000);
  }

  /// @param free characters without a penalty
  /// @param limit characters of the full penalty
  /// @throws IllegalArgumentException if the limit is not above `free`, or `free` is negative
  public LengthPenalty(int free, int limit) {
    if (free < 0 || limit <= free) {
      throw new IllegalArgumentException(
          "length(%d, %d) is not a range; give 0 or more free characters and a higher limit"
              .formatted(free, limit));
    }
    this.free = free;
    this.limit = limit;
  }

  @Override
  public RewardScore score(String query, String reference, String completion) {
    double excess = (completion.length() - (double) free) / (limit - (double) free);
    return RewardScore.of(0 - Math.clamp(excess, 0, 1)); // 0 - 0 is 0, not -0
  }
}
