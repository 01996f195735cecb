package bitnet.data;

import java.util.Arrays;

/// Sequences and what follows each of their tokens, row after row.
///
/// The arrays are handed over, not copied: nobody writes to them after this.
///
/// @param inputs `[batch, seq]`
/// @param targets `[batch, seq]`: `targets[row, i]` is the token after `inputs[row, i]`, or
///     [#NO_TARGET] where that does not count
/// @param batch the number of sequences
/// @param seq the length of each
@SuppressWarnings("ArrayRecordComponent") // copied once, into a tensor; never compared
public record TokenBatch(int[] inputs, int[] targets, int batch, int seq) {
  /// In the place of a target that does not count.
  public static final int NO_TARGET = -1;

  /// Checks the lengths.
  ///
  /// @throws IllegalArgumentException if an array does not hold batch * seq tokens
  public TokenBatch {
    if (inputs.length != batch * seq || targets.length != batch * seq) {
      throw new IllegalArgumentException(
          "%d inputs and %d targets are not batch %d * seq %d; give as many"
              .formatted(inputs.length, targets.length, batch, seq));
    }
  }

  /// How many targets count.
  public int counted() {
    return (int) Arrays.stream(targets).filter(target -> target != NO_TARGET).count();
  }

  /// The sequences that start at these positions of a stream.
  static TokenBatch at(long[] starts, int seq, TokenStream tokens) {
    int[] inputs = new int[starts.length * seq];
    int[] targets = new int[starts.length * seq];
    for (int row = 0; row < starts.length; row++) {
      tokens.copy(starts[row], seq, inputs, row * seq);
      tokens.copyTargets(starts[row] + 1, seq, targets, row * seq);
    }
    return new TokenBatch(inputs, targets, starts.length, seq);
  }
}
