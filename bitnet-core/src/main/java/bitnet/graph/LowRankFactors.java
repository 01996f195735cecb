package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.kernel.ThreadTeam;

/// The adapter of one linear layer (LoRA, arXiv 2106.09685): `y += scaling * B A dropout(x)`.
///
/// @param down A, `[rank, in]`
/// @param up B, `[out, rank]`
/// @param column where the layer's outputs begin among those of layers with the same input
/// @param scaling of the product
/// @param place its number in the model, for dropout
record LowRankFactors(Parameter down, Parameter up, long column, double scaling, int place) {

  /// Adds to y, in place.
  ///
  /// @param y `[tokens, all outputs]`
  /// @param x `[tokens, in]`
  /// @return `A dropout(x)`, which the gradient needs
  NDArray forward(GraphContext context, NDManager scope, NDArray y, NDArray x, ThreadTeam team) {
    try (NDManager inner = scope.newSubManager()) {
      NDArray read = x;
      if (context.dropout() != null) {
        read = context.ops().multiplied(inner, x, mask(context.dropout(), inner, x, team));
      }
      return context.ops().lora(scope, y, read, down, up, column, scaling);
    }
  }

  /// Adds the gradients of A, B and x.
  ///
  /// @param inner of `forward`
  /// @param dx is added to
  void backward(
      GraphContext context,
      NDManager scope,
      NDArray dy,
      NDArray x,
      NDArray inner,
      NDArray dx,
      ThreadTeam team) {
    try (NDManager own = scope.newSubManager()) {
      Dropout dropout = context.dropout();
      NDArray mask = dropout == null ? own.create(new float[0]) : mask(dropout, own, x, team);
      NDArray read = dropout == null ? x : context.ops().multiplied(own, x, mask);
      context.ops().loraBackward(own, dy, read, inner, down, up, column, scaling, mask, dx);
    }
  }

  private NDArray mask(Dropout dropout, NDManager scope, NDArray x, ThreadTeam team) {
    return dropout.mask(scope, x.getShape().get(0), x.getShape().get(1), place, team);
  }
}
