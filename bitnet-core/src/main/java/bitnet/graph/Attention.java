package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.jspecify.annotations.Nullable;

/// The attention half of a decoder layer: `x + o(subNorm(attend(headNorms(qkv(norm(x))))))`.
///
/// @param queryKeyValue norm and q, k and v: hidden → `(heads + 2 kvHeads) * headDim`
/// @param inputBias of q, k and v, where the model has one
/// @param headNorms of q and k, where the model has them
/// @param output the sub-norm, where the model has one, and o: `heads * headDim` → hidden
/// @param outputBias of o, where the model has one
record Attention(
    Projection queryKeyValue,
    @Nullable Parameter inputBias,
    @Nullable HeadNorms headNorms,
    Projection output,
    @Nullable Parameter outputBias) {

  /// What the gradient needs of a forward pass; owned by the manager that was passed to it.
  record Saved(
      Projection.Gradient input,
      @Nullable NormedInput normed,
      TorchOps.AttentionResult attended,
      Projection.Gradient output) {}

  /// What the gradient of the head norms needs.
  record NormedInput(HeadNorms norms, NDArray qkv, TorchOps.NormedHeads heads) {}

  /// The result and what the gradient needs.
  record Result(NDArray y, Saved saved) {}

  /// x `[tokens, hidden]` → y of the same shape.
  Result forward(GraphContext context, NDManager scope, NDArray x) {
    Projection.Result input = queryKeyValue.forward(context, scope, x);
    NDArray qkv = biased(context, scope, input.y(), inputBias);
    NormedInput normed =
        headNorms == null
            ? null
            : new NormedInput(headNorms, qkv, headNorms.forward(context, scope, qkv));
    TorchOps.AttentionResult attended;
    try (NDArray heads = normed == null ? qkv : normed.heads().qkv()) {
      attended =
          context
              .ops()
              .attention(
                  scope,
                  heads,
                  context.angles(),
                  context.mask(),
                  context.batch(),
                  context.config(),
                  context.type());
    }
    Projection.Result result = output.forward(context, scope, attended.output());
    NDArray y = biased(context, scope, result.y(), outputBias);
    return new Result(y.addi(x), new Saved(input.gradient(), normed, attended, result.gradient()));
  }

  private static NDArray biased(
      GraphContext context, NDManager scope, NDArray y, @Nullable Parameter bias) {
    return bias == null ? y : context.ops().addBias(scope, y, bias.value());
  }

  /// dy → dx; the gradients of the parameters are added to them.
  NDArray backward(GraphContext context, NDManager scope, NDArray dy, Saved saved) {
    addBiasGradient(context, scope, dy, outputBias);
    NDArray dAttended = saved.output().flow(scope, dy, false);
    NDArray dQkv =
        context
            .ops()
            .attentionBackward(
                scope, dAttended, saved.attended(), context.angles(), context.mask());
    NormedInput normed = saved.normed();
    if (normed != null) {
      dQkv = normed.norms().backward(context, scope, dQkv, normed.qkv(), normed.heads());
    }
    addBiasGradient(context, scope, dQkv, inputBias);
    return saved.input().flow(scope, dQkv, true).addi(dy);
  }

  private static void addBiasGradient(
      GraphContext context, NDManager scope, NDArray dy, @Nullable Parameter bias) {
    if (bias != null) {
      context.ops().addBiasGradient(scope, dy, bias.gradient());
    }
  }

  /// As `forward`, for new tokens at position `start` behind those in the cache; nothing is kept.
  NDArray decode(
      GraphContext context, NDManager scope, NDArray x, GraphCache.Layer cache, long start) {
    NDArray qkv = biased(context, scope, queryKeyValue.forward(context, scope, x).y(), inputBias);
    if (headNorms != null) {
      qkv = headNorms.forward(context, scope, qkv).qkv();
    }
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
    NDArray y = output.forward(context, scope, attended).y();
    return biased(context, scope, y, outputBias).addi(x);
  }
}
