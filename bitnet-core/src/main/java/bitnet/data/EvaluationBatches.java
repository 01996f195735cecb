package bitnet.data;

import java.util.Iterator;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// The held-out text in windows that lie side by side, in order, each once, so that every token but
/// the first is predicted once. The last batches may be smaller: in sequences, and in the length of
/// the window at the end of the text.
public final class EvaluationBatches implements Iterable<TokenBatch> {
  private final TokenStream tokens;
  private final int batch;
  private final int seq;

  /// @param batch sequences in a batch
  /// @param seq their length in tokens
  /// @throws IllegalArgumentException if a number is below 1 or the stream is shorter than a window
  public EvaluationBatches(TokenStream tokens, int batch, int seq) {
    TokenWindows.check("held-out text", tokens, batch, seq);
    this.tokens = tokens;
    this.batch = batch;
    this.seq = seq;
  }

  /// The number of windows in all batches, a shorter one at the end included.
  public long windows() {
    return Math.ceilDiv(tokens.size() - 1, seq);
  }

  /// The batches from the first to the last; each is read when it is asked for.
  @Override
  public Iterator<TokenBatch> iterator() {
    long whole = TokenWindows.count(tokens, seq);
    Stream<TokenBatch> batches =
        LongStream.range(0, Math.ceilDiv(whole, batch))
            .mapToObj(index -> batch(index * batch, Math.min(whole, (index + 1) * batch)));
    int rest = (int) (tokens.size() - 1 - whole * seq);
    Stream<TokenBatch> end =
        rest == 0 ? Stream.empty() : Stream.of(whole * seq).map(start -> last(start, rest));
    return Stream.concat(batches, end).iterator();
  }

  private TokenBatch batch(long first, long end) {
    long[] starts = LongStream.range(first, end).map(window -> window * seq).toArray();
    return TokenBatch.at(starts, seq, tokens);
  }

  private TokenBatch last(long start, int length) {
    return TokenBatch.at(new long[] {start}, length, tokens);
  }
}
