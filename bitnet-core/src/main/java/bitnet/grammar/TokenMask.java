package bitnet.grammar;

import java.util.Arrays;
import java.util.BitSet;

/// The tokens that may follow in a text.
public final class TokenMask {
  private final BitSet allowed;

  TokenMask(BitSet allowed) {
    this.allowed = allowed;
  }

  /// Whether a token may follow.
  public boolean allows(int token) {
    return allowed.get(token);
  }

  /// Sets the scores of all other tokens to minus infinity.
  ///
  /// @param scores `[vocab]`
  public void apply(float[] scores) {
    int next = 0;
    for (int id = allowed.nextSetBit(0); id >= 0 && id < scores.length; ) {
      Arrays.fill(scores, next, id, Float.NEGATIVE_INFINITY);
      next = allowed.nextClearBit(id);
      id = allowed.nextSetBit(next);
    }
    Arrays.fill(scores, Math.min(next, scores.length), scores.length, Float.NEGATIVE_INFINITY);
  }
}
