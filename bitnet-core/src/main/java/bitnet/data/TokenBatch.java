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
/// @param starts `[batch, seq]`: where in its row the record of each input begins, if attention is
///     to stay inside of records; empty if each row is one text
@SuppressWarnings("ArrayRecordComponent") // copied once, into a tensor; never compared
public record TokenBatch(int[] inputs, int[] targets, int batch, int seq, int[] starts) {
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
    if (starts.length != 0 && starts.length != inputs.length) {
      throw new IllegalArgumentException(
          "%d starts are not batch %d * seq %d; give as many, or none"
              .formatted(starts.length, batch, seq));
    }
  }

  /// A batch whose rows are one text each.
  ///
  /// @throws IllegalArgumentException if an array does not hold batch * seq tokens
  public TokenBatch(int[] inputs, int[] targets, int batch, int seq) {
    this(inputs, targets, batch, seq, new int[0]);
  }

  /// Whether attention stays inside of records.
  public boolean isPacked() {
    return starts.length > 0;
  }

  /// The position of each input in its record, `[batch, seq]`.
  public long[] positions() {
    long[] positions = new long[starts.length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = (long) i % seq - starts[i];
    }
    return positions;
  }

  /// What is added to attention's scores, `[batch, 1, seq, seq]`: 0 for the tokens of the same
  /// record up to the token itself, far below 0 for all others.
  public float[] attentionMask() {
    float[] mask = new float[Math.multiplyExact(starts.length, seq)];
    Arrays.fill(mask, -1e9f); // a finite number: attention's kernel subtracts it from itself
    for (int i = 0; i < starts.length; i++) {
      Arrays.fill(mask, i * seq + starts[i], i * seq + i % seq + 1, 0);
    }
    return mask;
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
