package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/// RMSNorms of each head of q and of k, before the rotation (Qwen 3).
///
/// @param query gain `[headDim]` of q's heads
/// @param key gain `[headDim]` of k's heads
record HeadNorms(Parameter query, Parameter key) {

  /// qkv `[tokens, (heads + 2 kvHeads) * headDim]` → the same shape, v unchanged.
  TorchOps.NormedHeads forward(GraphContext context, NDManager scope, NDArray qkv) {
    return context.ops().headNorms(scope, qkv, query.value(), key.value(), context.config());
  }

  /// dy → dqkv; the gradients of the gains are added to them.
  ///
  /// @param qkv the input of `forward`
  /// @param forward its result
  NDArray backward(
      GraphContext context,
      NDManager scope,
      NDArray dy,
      NDArray qkv,
      TorchOps.NormedHeads forward) {
    return context.ops().headNormsBackward(scope, dy, qkv, forward, query, key, context.config());
  }
}
