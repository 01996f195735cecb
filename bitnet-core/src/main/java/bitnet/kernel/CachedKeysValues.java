package bitnet.kernel;

import java.lang.foreign.MemorySegment;

/// Keys and values of one head at consecutive positions.
///
/// @param keys `[positions, headDim]` in the type of the cache, perhaps followed by more
/// @param values the same
/// @param positions how many there are
public record CachedKeysValues(MemorySegment keys, MemorySegment values, int positions) {
  /// No positions at all.
  public static final CachedKeysValues NONE =
      new CachedKeysValues(MemorySegment.NULL, MemorySegment.NULL, 0);
}
