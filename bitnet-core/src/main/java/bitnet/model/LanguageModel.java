package bitnet.model;

/// A model that continues sequences of tokens.
public interface LanguageModel extends AutoCloseable {

  /// The dimensions of the model.
  LlamaConfig config();

  /// What computes it, for people: for example `native avx2, 2 threads, int8 head, fp16 cache`.
  String description();

  /// Begins a sequence. The caller owns it and closes it before the model.
  ///
  /// @param capacity the most tokens that it will hold, at most the context length
  /// @throws IllegalArgumentException if the capacity is not from 1 to the context length
  Session begin(int capacity);

  /// Frees the model's memory.
  @Override
  void close();

  /// One sequence and what the model remembers of it.
  interface Session extends AutoCloseable {

    /// Tokens seen so far.
    int length();

    /// Appends tokens to the sequence.
    ///
    /// @param tokens at least one
    /// @return logits `[vocab]` of the token that follows the last one
    /// @throws IllegalArgumentException if the array is empty, a token is outside the vocabulary,
    ///     or
    ///     they exceed the capacity; the sequence is then as before
    float[] advance(int... tokens);

    /// Frees the sequence's memory.
    @Override
    void close();
  }
}
