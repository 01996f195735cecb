package bitnet.data;

import java.util.Iterator;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// The held-out text in windows that lie side by side, in order, each once; the last batch may be
/// smaller. Less than a window at the end is left out.
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

  /// The number of windows in all batches.
  public long windows() {
    return TokenWindows.count(tokens, seq);
  }

  /// The batches from the first to the last; each is read when it is asked for.
  @Override
  public Iterator<TokenBatch> iterator() {
    long windows = windows();
    long batches = (windows + batch - 1) / batch;
    Stream<TokenBatch> all =
        LongStream.range(0, batches)
            .mapToObj(
                index -> {
                  long first = index * batch;
                  int rows = (int) Math.min(batch, windows - first);
                  long[] starts =
                      LongStream.range(first, first + rows).map(window -> window * seq).toArray();
                  return TokenBatch.at(starts, seq, tokens);
                });
    return all.iterator();
  }
}
