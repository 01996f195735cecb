package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/// The feed-forward half of a decoder layer, residual included:
/// `x + down(subNorm(act(gate(norm(x))) * up(norm(x))))`.
///
/// @param gateUp norm, gate and up: hidden → `2 * intermediate`
/// @param down the sub-norm, where the model has one, and down: intermediate → hidden
record FeedForward(Projection gateUp, Projection down) {

  /// What the gradient needs of a forward pass; owned by the manager that was passed to it.
  record Saved(Projection.Gradient input, NDArray gateUp, Projection.Gradient output) {}

  /// The result and what the gradient needs.
  record Result(NDArray y, Saved saved) {}

  /// x `[tokens, hidden]` → y of the same shape.
  Result forward(GraphContext context, NDManager scope, NDArray x) {
    Projection.Result input = gateUp.forward(context, scope, x);
    NDArray gated = context.ops().gated(scope, input.y(), context.config().activation());
    Projection.Result result = down.forward(context, scope, gated);
    if (!down.needsInput()) {
      gated.close();
    }
    return new Result(
        result.y().addi(x), new Saved(input.gradient(), input.y(), result.gradient()));
  }

  /// dy → dx; the gradients of the parameters are added to them.
  NDArray backward(GraphContext context, NDManager scope, NDArray dy, Saved saved) {
    NDArray dGated = saved.output().flow(scope, dy, false);
    NDArray dProjected =
        context.ops().gatedBackward(scope, dGated, saved.gateUp(), context.config().activation());
    return saved.input().flow(scope, dProjected, true).addi(dy);
  }
}
