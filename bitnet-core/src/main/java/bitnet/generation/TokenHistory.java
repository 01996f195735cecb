package bitnet.generation;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntConsumer;

/// The tokens of a prompt and those drawn after it, on which penalties depend.
public final class TokenHistory {
  private final BitSet seen = new BitSet();
  private final Map<Integer, Integer> drawn = new HashMap<>();

  /// A history of a prompt after which nothing was drawn.
  public TokenHistory(int... prompt) {
    for (int token : prompt) {
      seen.set(token);
    }
  }

  /// Adds a drawn token.
  public void draw(int token) {
    seen.set(token);
    drawn.merge(token, 1, Integer::sum);
  }

  /// Each token of prompt and completion once.
  void forSeen(IntConsumer consumer) {
    seen.stream().forEach(consumer);
  }

  /// How often each token was drawn since the prompt.
  Map<Integer, Integer> drawn() {
    return drawn;
  }
}
