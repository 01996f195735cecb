package bitnet.grammar;

import bitnet.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Set;

/// The bytes of all tokens of a vocabulary, in their order, so that tokens that begin in the same
/// way are looked at together. Immutable.
public final class TokenBytes {
  private final byte[][] texts; // in ascending order
  private final int[] ids; // of the tokens
  private final int[] shared; // first bytes that a token has in common with the one before
  private final byte[][] textOfId; // empty for a token that adds nothing
  private final BitSet ends = new BitSet();

  private record Token(int id, byte[] text) {}

  /// Reads a vocabulary.
  ///
  /// @param endTokens that end a text; what they spell is not part of a text
  /// @throws IllegalArgumentException if some ASCII character is no token by itself, without which
  ///     a text may have no way on
  public TokenBytes(Tokenizer tokenizer, Set<Integer> endTokens) {
    endTokens.forEach(ends::set);
    List<Token> tokens = new ArrayList<>();
    BitSet single = new BitSet();
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      byte[] text = ends.get(id) ? new byte[0] : tokenizer.bytesInText(id);
      if (text.length > 0) {
        tokens.add(new Token(id, text));
      }
      if (text.length == 1) {
        single.set(Byte.toUnsignedInt(text[0]));
      }
    }
    if (single.get(' ', '~' + 1).cardinality() != '~' - ' ' + 1) {
      throw new IllegalArgumentException(
          "the tokenizer has no token for each character of ASCII, so that a form of the answer"
              + " cannot be promised");
    }
    tokens.sort((one, other) -> Arrays.compareUnsigned(one.text, other.text));
    texts = new byte[tokens.size()][];
    ids = new int[texts.length];
    shared = new int[texts.length];
    textOfId = new byte[tokenizer.vocabSize()][0];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = tokens.get(i).text;
      ids[i] = tokens.get(i).id;
      textOfId[ids[i]] = texts[i];
      int same = i == 0 ? 0 : Arrays.mismatch(texts[i - 1], texts[i]);
      shared[i] = same < 0 ? texts[i].length : same;
    }
  }

  /// The tokens that may follow in a state.
  TokenMask mask(ByteAutomaton automaton, ByteAutomaton.State state) {
    BitSet allowed = new BitSet();
    if (state.isComplete) {
      allowed.or(ends);
    }
    List<ByteAutomaton.State> path = new ArrayList<>(List.of(state)); // after 0, 1, ... bytes
    int alive = 0; // bytes of the last token that may follow
    for (int i = 0; i < texts.length; i++) {
      byte[] text = texts[i];
      if (shared[i] > alive) {
        continue; // it begins with what may not follow
      }
      alive = shared[i];
      ByteAutomaton.State at = path.get(alive);
      while (alive < text.length) {
        at = automaton.next(at, Byte.toUnsignedInt(text[alive]));
        if (at.isDead()) {
          break;
        }
        alive++;
        if (path.size() > alive) {
          path.set(alive, at);
        } else {
          path.add(at);
        }
      }
      if (alive == text.length) {
        allowed.set(ids[i]);
      }
    }
    return new TokenMask(allowed);
  }

  /// The bytes of a token; none if it adds nothing to a text.
  byte[] text(int token) {
    return token < textOfId.length ? textOfId[token] : new byte[0];
  }
}
