package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/// One decoder layer: attention, then feed-forward.
record DecoderLayer(Attention attention, FeedForward feedForward) {

  /// What the gradient needs of a forward pass.
  record Saved(Attention.Saved attention, FeedForward.Saved feedForward) {}

  /// The result and what the gradient needs.
  record Result(NDArray y, Saved saved) {}

  /// x `[tokens, hidden]` → y of the same shape; everything made belongs to `scope`.
  Result forward(GraphContext context, NDManager scope, NDArray x) {
    Attention.Result attended = attention.forward(context, scope, x);
    FeedForward.Result fed = feedForward.forward(context, scope, attended.y());
    return new Result(fed.y(), new Saved(attended.saved(), fed.saved()));
  }

  /// dy → dx; the gradients of the parameters are added to them.
  NDArray backward(GraphContext context, NDManager scope, NDArray dy, Saved saved) {
    NDArray dAttended = feedForward.backward(context, scope, dy, saved.feedForward());
    return attention.backward(context, scope, dAttended, saved.attention());
  }

  /// As `forward`, for new tokens at position `start`, with cached keys and values.
  NDArray decode(
      GraphContext context, NDManager scope, NDArray x, GraphCache.Layer cache, long start) {
    NDArray attended = attention.decode(context, scope, x, cache, start);
    return feedForward.forward(context, scope, attended).y();
  }
}
