package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/// The attention half of a decoder layer: `x + o(subNorm(attend(qkv(norm(x)))))`.
///
/// @param queryKeyValue norm and q, k and v: hidden → `(heads + 2 kvHeads) * headDim`
/// @param output the sub-norm, where the model has one, and o: `heads * headDim` → hidden
record Attention(Projection queryKeyValue, Projection output) {

  /// What the gradient needs of a forward pass; owned by the manager that was passed to it.
  record Saved(
      Projection.Gradient input, TorchOps.AttentionResult attended, Projection.Gradient output) {}

  /// The result and what the gradient needs.
  record Result(NDArray y, Saved saved) {}

  /// x `[tokens, hidden]` → y of the same shape.
  Result forward(GraphContext context, NDManager scope, NDArray x) {
    Projection.Result input = queryKeyValue.forward(context, scope, x);
    TorchOps.AttentionResult attended;
    try (NDArray qkv = input.y()) {
      attended =
          context
              .ops()
              .attention(
                  scope,
                  qkv,
                  context.angles(),
                  context.mask(),
                  context.batch(),
                  context.config(),
                  context.type());
    }
    Projection.Result result = output.forward(context, scope, attended.output());
    return new Result(result.y().addi(x), new Saved(input.gradient(), attended, result.gradient()));
  }

  /// dy → dx; the gradients of the parameters are added to them.
  NDArray backward(GraphContext context, NDManager scope, NDArray dy, Saved saved) {
    NDArray dAttended = saved.output().flow(scope, dy, false);
    NDArray dQkv =
        context
            .ops()
            .attentionBackward(
                scope, dAttended, saved.attended(), context.angles(), context.mask());
    return saved.input().flow(scope, dQkv, true).addi(dy);
  }

  /// As `forward`, for new tokens at position `start` behind those in the cache; nothing is kept.
  NDArray decode(
      GraphContext context, NDManager scope, NDArray x, GraphCache.Layer cache, long start) {
    NDArray qkv = queryKeyValue.forward(context, scope, x).y();
    NDArray attended =
        context
            .ops()
            .attentionCached(
                scope,
                qkv,
                context.angles(),
                cache.keys(),
                cache.values(),
                start,
                context.config());
    return output.forward(context, scope, attended).y().addi(x);
  }
}
