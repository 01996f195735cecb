package bitnet.generation;

/// Why a completion ended.
public enum FinishReason {
  /// The model produced a token that ends a text.
  EOS,
  /// A stop string appeared, or the grammar of the text allows nothing more.
  STOP,
  /// The wanted number of tokens was produced.
  LENGTH,
  /// The model's context is full.
  CONTEXT,
  /// Whoever asked for the text wanted no more of it.
  INTERRUPTED
}
