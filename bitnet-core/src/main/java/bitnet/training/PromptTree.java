package bitnet.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The layout of completions for one pass through the graph. Consecutive completions of the same
/// prompt share a sequence, which contains the prompt once and then the completions: for groups of
/// eight completions as long as their prompt, that is little more than half of the tokens.
///
/// Shorter sequences are padded at the end with tokens that nothing attends to.
final class PromptTree {

  /// Sequences are not joined beyond this many tokens: attention's work grows with the square.
  private static final int MOST_JOINED = 512;

  private final List<PromptCompletion> texts;
  private final int[] sequenceOf; // of a text
  private final int[] firstOf; // the index in its sequence of a text's second completion token
  private final int sequences;
  private final int seq;

  PromptTree(List<? extends PromptCompletion> texts) {
    this.texts = List.copyOf(texts);
    this.sequenceOf = new int[texts.size()];
    this.firstOf = new int[texts.size()];
    int count = 0;
    int width = 0;
    int longest = 0;
    for (int i = 0; i < texts.size(); i++) {
      PromptCompletion text = texts.get(i);
      int branch = text.completion().length - 1;
      boolean joins =
          i > 0
              && width + branch <= MOST_JOINED
              && Arrays.equals(text.prompt(), texts.get(i - 1).prompt());
      if (!joins) {
        count++;
        width = text.prompt().length;
      }
      sequenceOf[i] = count - 1;
      firstOf[i] = width;
      width += branch;
      longest = Math.max(longest, width);
    }
    this.sequences = count;
    this.seq = longest;
  }

  /// Tokens of all sequences, padding included.
  long tokens() {
    return (long) sequences * seq;
  }

  int sequences() {
    return sequences;
  }

  int seq() {
    return seq;
  }

  /// Whether any sequence holds several texts.
  boolean branches() {
    return sequences < texts.size();
  }

  /// `[sequence, seq]`; the last token of a completion is not read.
  long[] ids() {
    long[] ids = new long[sequences * seq];
    forEachToken((text, t, index) -> ids[index] = texts.get(text).token(t));
    return ids;
  }

  /// The position of each token in its own text, `[sequence, seq]`.
  long[] positions() {
    long[] positions = new long[sequences * seq];
    forEachToken((text, t, index) -> positions[index] = t);
    return positions;
  }

  /// What is added to attention's scores, `[sequence, 1, seq, seq]`: a token attends to the prompt
  /// and its own completion up to itself, a padding token to itself.
  float[] mask() {
    float[] mask = new float[sequences * seq * seq];
    Arrays.fill(mask, -1e9f); // a finite number: attention's kernel subtracts it from itself
    for (int index = 0; index < sequences * seq; index++) {
      mask[index * seq + index % seq] = 0;
    }
    forEachToken(
        (text, t, index) -> {
          int row = index * seq;
          int prompt = texts.get(text).prompt().length;
          Arrays.fill(mask, row, row + Math.min(t + 1, prompt), 0);
          if (t >= prompt) {
            Arrays.fill(mask, row + firstOf[text], row + firstOf[text] + t - prompt + 1, 0);
          }
        });
    return mask;
  }

  /// For each completion token the index, among all of `[sequence, seq]`, of the token before it.
  long[] before() {
    List<Long> before = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      int start = sequenceOf[i] * seq;
      before.add((long) start + texts.get(i).prompt().length - 1);
      for (int t = 0; t < texts.get(i).completion().length - 1; t++) {
        before.add((long) start + firstOf[i] + t);
      }
    }
    return before.stream().mapToLong(Long::longValue).toArray();
  }

  private interface Token {
    /// @param t its position in its text
    /// @param index its index among all of `[sequence, seq]`
    void at(int text, int t, int index);
  }

  /// Every token of every text; a shared prompt's come once for each text.
  private void forEachToken(Token token) {
    for (int i = 0; i < texts.size(); i++) {
      int prompt = texts.get(i).prompt().length;
      for (int t = 0; t < texts.get(i).inputs(); t++) {
        int inSequence = t < prompt ? t : firstOf[i] + t - prompt;
        token.at(i, t, sequenceOf[i] * seq + inSequence);
      }
    }
  }
}
