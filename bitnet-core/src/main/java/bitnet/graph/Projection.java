package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Linear layers that read the same input, with the norm before them. Their outputs stand side by
/// side, `[tokens, sum of outs]`.
sealed interface Projection {

  /// x `[tokens, in]` → y, and how its gradient flows back.
  Result forward(GraphContext context, NDManager scope, NDArray x);

  /// Whether the gradient needs x, which must stay open until then.
  boolean needsInput();

  /// The number of outputs.
  long width();

  /// The outputs and how their gradient flows back.
  ///
  /// @param y `[tokens, out]`, owned by the manager that was passed
  /// @param gradient of this pass
  record Result(NDArray y, Gradient gradient) {}

  /// What a forward pass left behind for its gradient.
  interface Gradient {
    /// dy → dx; the gradients of the parameters are added to them.
    ///
    /// @param lastUse whether dy may be overwritten, since nobody needs it afterwards
    NDArray flow(NDManager scope, NDArray dy, boolean lastUse);
  }

  /// All layers read the same int8 activations, so they are one: one quantization and one product.
  ///
  /// @param norm before it, where there is one
  /// @param linear the layers, stacked by rows
  record Shared(@Nullable RmsNorm norm, BitLinear linear) implements Projection {
    @Override
    public Result forward(GraphContext context, NDManager scope, NDArray x) {
      if (norm == null) {
        TorchOps.PerToken quantized = context.quantize(scope, x);
        return new Result(
            linear.forward(context, scope, quantized),
            (back, dy, lastUse) -> linear.backward(context, back, dy, lastUse, quantized));
      }
      RmsNorm.Quantized input = norm.quantized(context, scope, x);
      return new Result(
          linear.forward(context, scope, input.quantized()),
          (back, dy, lastUse) -> {
            NDArray dNormed = linear.backward(context, back, dy, lastUse, input.quantized());
            return norm.backward(context, back, dNormed, x, input.inverseRms());
          });
    }

    @Override
    public boolean needsInput() {
      return norm != null;
    }

    @Override
    public long width() {
      return linear.width();
    }
  }

  /// Layers that stay as they are, with the adapters that are trained instead.
  ///
  /// @param norm before them, where there is one
  /// @param inside whether the norm is a part of the layer: adapters then read what it reads
  /// @param products that multiply
  /// @param weights the layers, stacked by rows
  /// @param adapters of some of the layers
  record Frozen(
      @Nullable RmsNorm norm,
      boolean inside,
      FrozenProducts products,
      FrozenProducts.Packed weights,
      List<LowRankFactors> adapters)
      implements Projection {
    @Override
    public Result forward(GraphContext context, NDManager scope, NDArray x) {
      TorchOps.PerToken normed = norm == null ? null : norm.forward(context, scope, x);
      NDArray input = normed == null ? x : normed.values();
      NDArray read = inside ? x : input;
      NDArray y = products.multiply(context, scope, input, weights);
      List<NDArray> inner = new ArrayList<>();
      for (LowRankFactors adapter : adapters) {
        inner.add(adapter.forward(context, scope, y, read, products.team()));
      }
      if (normed != null && (inside || adapters.isEmpty())) {
        input.close(); // the gradient of x does not need it
      }
      return new Result(
          y,
          (back, dy, lastUse) -> {
            NDArray dx = products.backward(context, back, dy, weights);
            if (!inside) {
              addAdapters(context, back, dy, read, inner, dx);
            }
            if (norm != null && normed != null) {
              dx = norm.backward(context, back, dx, x, normed.factor());
            }
            if (inside) {
              addAdapters(context, back, dy, read, inner, dx);
            }
            return dx;
          });
    }

    private void addAdapters(
        GraphContext context,
        NDManager scope,
        NDArray dy,
        NDArray read,
        List<NDArray> inner,
        NDArray dRead) {
      for (int i = 0; i < adapters.size(); i++) {
        adapters.get(i).backward(context, scope, dy, read, inner.get(i), dRead, products.team());
      }
    }

    @Override
    public boolean needsInput() {
      return norm != null || !adapters.isEmpty();
    }

    @Override
    public long width() {
      return weights.rows();
    }
  }

  /// Every layer has a norm of its own, and so reads other int8 activations.
  ///
  /// @param norm before all of them, where there is one
  /// @param parts the layers, each with its norm, in the order of their outputs
  record Separate(@Nullable RmsNorm norm, List<Projection> parts) implements Projection {

    @Override
    public Result forward(GraphContext context, NDManager scope, NDArray x) {
      TorchOps.PerToken normed = norm == null ? null : norm.forward(context, scope, x);
      NDArray input = normed == null ? x : normed.values();
      List<Gradient> gradients = new ArrayList<>();
      List<NDArray> outputs = new ArrayList<>();
      for (Projection part : parts) {
        Result result = part.forward(context, scope, input);
        gradients.add(result.gradient());
        outputs.add(result.y());
      }
      return new Result(
          join(context, scope, outputs),
          (back, dy, lastUse) -> {
            NDArray dInput = backward(context, back, dy, lastUse, gradients);
            return norm == null || normed == null
                ? dInput
                : norm.backward(context, back, dInput, x, normed.factor());
          });
    }

    private static NDArray join(GraphContext context, NDManager scope, List<NDArray> outputs) {
      if (outputs.size() == 1) {
        return outputs.getFirst();
      }
      NDArray joined = context.ops().sideBySide(scope, outputs);
      outputs.forEach(NDArray::close);
      return joined;
    }

    /// dy → the gradient of the input that all layers share.
    private NDArray backward(
        GraphContext context,
        NDManager scope,
        NDArray dy,
        boolean lastUse,
        List<Gradient> gradients) {
      if (parts.size() == 1) {
        return gradients.getFirst().flow(scope, dy, lastUse);
      }
      NDArray sum = null;
      long column = 0;
      for (int i = 0; i < parts.size(); i++) {
        long width = parts.get(i).width();
        NDArray part = context.ops().columns(scope, dy, column, width);
        column += width;
        NDArray dInput = gradients.get(i).flow(scope, part, true);
        sum = sum == null ? dInput : sum.addi(dInput);
      }
      if (sum == null) {
        throw new IllegalStateException("a projection has at least one layer");
      }
      return sum;
    }

    @Override
    public boolean needsInput() {
      return true;
    }

    @Override
    public long width() {
      return parts.stream().mapToLong(Projection::width).sum();
    }
  }
}
