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
  }

  /// Every layer has a norm of its own, and so reads other int8 activations.
  ///
  /// @param norm before all of them, where there is one
  /// @param linears the layers in the order of their outputs
  record Separate(@Nullable RmsNorm norm, List<NormedLinear> linears) implements Projection {

    /// A linear layer with a norm inside.
    record NormedLinear(RmsNorm norm, BitLinear linear) {}

    @Override
    public Result forward(GraphContext context, NDManager scope, NDArray x) {
      TorchOps.PerToken normed = norm == null ? null : norm.forward(context, scope, x);
      NDArray input = normed == null ? x : normed.values();
      List<RmsNorm.Quantized> inputs = new ArrayList<>();
      List<NDArray> outputs = new ArrayList<>();
      for (NormedLinear each : linears) {
        RmsNorm.Quantized own = each.norm().quantized(context, scope, input);
        inputs.add(own);
        outputs.add(each.linear().forward(context, scope, own.quantized()));
      }
      return new Result(
          join(context, scope, outputs),
          (back, dy, lastUse) -> {
            NDArray dInput = backward(context, back, dy, lastUse, input, inputs);
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
        NDArray input,
        List<RmsNorm.Quantized> inputs) {
      NDArray sum = null;
      long column = 0;
      for (int i = 0; i < linears.size(); i++) {
        NormedLinear each = linears.get(i);
        boolean whole = linears.size() == 1;
        NDArray part = whole ? dy : context.ops().columns(scope, dy, column, each.linear().width());
        column += each.linear().width();
        RmsNorm.Quantized own = inputs.get(i);
        NDArray dNormed =
            each.linear().backward(context, scope, part, lastUse || !whole, own.quantized());
        NDArray dInput = each.norm().backward(context, scope, dNormed, input, own.inverseRms());
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
  }
}
