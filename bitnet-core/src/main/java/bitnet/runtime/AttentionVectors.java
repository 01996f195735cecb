package bitnet.runtime;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The vectors of a layer's attention that only some families have.
///
/// @param subNorm `[heads * headDim]`, the gain of the norm before o
/// @param headNorms of the heads of q and of k
/// @param inputBias `[(heads + 2 kvHeads) * headDim]`, of q, k and v
/// @param outputBias `[hidden]`, of o
record AttentionVectors(
    @Nullable MemorySegment subNorm,
    @Nullable HeadNorms headNorms,
    @Nullable MemorySegment inputBias,
    @Nullable MemorySegment outputBias) {

  /// The gains of the norms of each head.
  ///
  /// @param query `[headDim]`
  /// @param key `[headDim]`
  record HeadNorms(MemorySegment query, MemorySegment key) {}
}
