package bitnet.data;

/// Draws training batches from a stream. It has no state: a run that is resumed from its
/// [SamplerState] sees what it would have seen.
public final class BatchSampler {
  private final TokenStream tokens;
  private final WindowSampling sampling;
  private final int batch;
  private final int seq;

  /// @param batch sequences in a batch
  /// @param seq their length in tokens
  /// @throws IllegalArgumentException if a number is below 1 or the stream is shorter than a window
  public BatchSampler(TokenStream tokens, WindowSampling sampling, int batch, int seq) {
    TokenWindows.check("training text", tokens, batch, seq);
    this.tokens = tokens;
    this.sampling = sampling;
    this.batch = batch;
    this.seq = seq;
  }

  /// The batch that is next in this state; the state after it is `state.after(batch)`.
  ///
  /// @throws IllegalStateException if the dataset has been closed
  public TokenBatch batch(SamplerState state) {
    long[] starts = new long[batch];
    for (int row = 0; row < batch; row++) {
      long draw = state.drawn() + row;
      starts[row] =
          switch (sampling) {
            case RANDOM -> CounterRandom.below(tokens.size() - seq, state.seed(), draw);
            case EPOCH -> epochStart(state.seed(), draw);
          };
    }
    return TokenBatch.at(starts, seq, tokens);
  }

  /// Windows lie side by side. What is left over (less than one) is left at the front or the end by
  /// a share that is drawn for each epoch, so that no token is always the one left out.
  private long epochStart(long seed, long draw) {
    long windows = windowsPerEpoch();
    long key = CounterRandom.value(seed, draw / windows);
    long slack = tokens.size() - 1 - windows * seq;
    long offset = CounterRandom.below(slack + 1, key, -1);
    return offset + CounterRandom.permuted(draw % windows, windows, key) * seq;
  }

  /// How many windows lie side by side in the stream.
  public long windowsPerEpoch() {
    return TokenWindows.count(tokens, seq);
  }

  /// How often the whole text has been seen in this state.
  public double epochs(SamplerState state) {
    return (double) state.drawn() / windowsPerEpoch();
  }
}
