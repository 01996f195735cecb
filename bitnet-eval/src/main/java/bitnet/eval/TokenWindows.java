package bitnet.eval;

import bitnet.data.TokenStream;
import java.util.stream.IntStream;

/// The parts of a text that a model reads at once, and what it predicts in each.
sealed interface TokenWindows {

  int count();

  /// The first token that a window reads.
  int start(int window);

  /// The last token that a window predicts.
  int end(int window);

  /// The first token that it predicts and no earlier one did.
  int first(int window);

  /// A window for each record with a token to predict.
  ///
  /// @param stream whose records are known
  /// @param context tokens that a window reads at most
  static TokenWindows ofRecords(TokenStream stream, int context) {
    int[] records =
        IntStream.range(0, stream.records())
            .filter(record -> stream.recordEnd(record) - stream.recordStart(record) > 1)
            .toArray();
    return new Records(
        IntStream.of(records).map(record -> (int) stream.recordStart(record)).toArray(),
        IntStream.of(records)
            .map(
                record ->
                    (int)
                        Math.min(
                            stream.recordEnd(record) - 1, stream.recordStart(record) + context))
            .toArray());
  }

  /// Windows of one length that overlap or lie side by side.
  ///
  /// @param context tokens that a window reads at most
  /// @param stride from the beginning of one to that of the next
  /// @param last the position of the last token of the text
  record Sliding(int context, int stride, int last) implements TokenWindows {

    @Override
    public int count() {
      return 1 + Math.ceilDiv(Math.max(0, last - context), stride);
    }

    @Override
    public int start(int window) {
      return window * stride;
    }

    @Override
    public int end(int window) {
      return (int) Math.min(last, (long) start(window) + context);
    }

    @Override
    public int first(int window) {
      return window == 0 ? 1 : end(window - 1) + 1;
    }
  }

  /// Records, each by itself.
  ///
  /// @param starts the first token of each
  /// @param ends the last token that each predicts
  record Records(int[] starts, int[] ends) implements TokenWindows {

    @Override
    public int count() {
      return starts.length;
    }

    @Override
    public int start(int window) {
      return starts[window];
    }

    @Override
    public int end(int window) {
      return ends[window];
    }

    @Override
    public int first(int window) {
      return starts[window] + 1;
    }
  }
}
