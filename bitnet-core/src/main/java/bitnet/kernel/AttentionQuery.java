package bitnet.kernel;

import java.lang.foreign.MemorySegment;

/// One token's query heads that share a key/value head, and the positions that they attend to.
///
/// @param queries `[heads, headDim]`
/// @param shared the first positions, perhaps none
/// @param own the positions that follow, perhaps none; with `shared` at least one
/// @param out `[heads, headDim]`, what the heads attended to
public record AttentionQuery(
    MemorySegment queries, CachedKeysValues shared, CachedKeysValues own, MemorySegment out) {

  /// All positions.
  int positions() {
    return shared.positions() + own.positions();
  }
}
