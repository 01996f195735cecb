package bitnet.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.jspecify.annotations.Nullable;

/// The attention half of a decoder layer: `x + o(subNorm(attend(qkv(norm(x)))))`.
///
/// @param norm before the projections
/// @param queryKeyValue q, k and v stacked, `[(heads + 2 kvHeads) * headDim, hidden]`
/// @param subNorm before the output projection, where the model has one
/// @param output `[hidden, heads * headDim]`
record Attention(
    RmsNorm norm, BitLinear queryKeyValue, @Nullable RmsNorm subNorm, BitLinear output) {

  /// What the gradient needs of a forward pass; owned by the manager that was passed to it.
  record Saved(
      NDArray x,
      RmsNorm.Quantized input,
      TorchOps.AttentionResult attended,
      RmsNorm.@Nullable Quantized subNormed,
      TorchOps.PerToken outputInput) {}

  /// The result and what the gradient needs.
  record Result(NDArray y, Saved saved) {}

  /// x `[tokens, hidden]` → y of the same shape.
  Result forward(GraphContext context, NDManager scope, NDArray x) {
    RmsNorm.Quantized input = norm.quantized(context, scope, x);
    TorchOps.AttentionResult attended;
    try (NDArray qkv = queryKeyValue.forward(context, scope, input.codes())) {
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
    RmsNorm.Quantized subNormed =
        subNorm == null ? null : subNorm.quantized(context, scope, attended.output());
    TorchOps.PerToken outputInput =
        subNormed == null ? context.quantize(scope, attended.output()) : subNormed.codes();
    NDArray y = output.forward(context, scope, outputInput).addi(x);
    return new Result(y, new Saved(x, input, attended, subNormed, outputInput));
  }

  /// dy → dx; the gradients of the parameters are added to them.
  NDArray backward(GraphContext context, NDManager scope, NDArray dy, Saved saved) {
    NDArray dAttended = output.backward(context, scope, dy, false, saved.outputInput());
    if (subNorm != null && saved.subNormed() != null) {
      dAttended =
          subNorm.backward(
              context, scope, dAttended, saved.attended().output(), saved.subNormed().inverseRms());
    }
    NDArray dQkv =
        context
            .ops()
            .attentionBackward(
                scope, dAttended, saved.attended(), context.angles(), context.mask());
    NDArray dNormed = queryKeyValue.backward(context, scope, dQkv, true, saved.input().codes());
    return norm.backward(context, scope, dNormed, saved.x(), saved.input().inverseRms()).addi(dy);
  }

  /// As `forward`, for new tokens at position `start` behind those in the cache; nothing is kept.
  NDArray decode(
      GraphContext context, NDManager scope, NDArray x, GraphCache.Layer cache, long start) {
    NDArray qkv = queryKeyValue.forward(context, scope, norm.quantized(context, scope, x).codes());
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
    TorchOps.PerToken outputInput =
        subNorm == null
            ? context.quantize(scope, attended)
            : subNorm.quantized(context, scope, attended).codes();
    return output.forward(context, scope, outputInput).addi(x);
  }
}
