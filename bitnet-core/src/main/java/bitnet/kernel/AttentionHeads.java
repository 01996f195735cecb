package bitnet.kernel;

/// The query heads of a token that share a key/value head, and how they attend.
///
/// @param count query heads
/// @param headDim values of a head
/// @param type of keys and values
/// @param scale of the scores, usually the inverse root of `headDim`
public record AttentionHeads(int count, int headDim, CacheType type, float scale) {

  /// Values of a token's queries, and of what they attend to.
  long values() {
    return (long) count * headDim;
  }
}
