package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/// A linear layer with ternary weights and 8-bit activations, BitNet b1.58 (arXiv 2402.17764).
///
/// The latent weight is fp32; its trits and scales are made by [#ternarize] once per optimizer
/// step. The product of int8 activations and trits is exact in fp32 (sums stay below 2^24), hence
/// equal to the integer runtime's. The gradient goes straight through both roundings.
public final class BitLinear {

  private final Parameter weight;
  private final NDArray trits; // [out, in], in the compute type; with group scales times these
  private final NDArray scale; // [out]: mean|W| of the tensor that the row belongs to, or 1
  private final int scaleColumns; // 0 without group scales
  private final ComputeType type;

  BitLinear(NDManager manager, TorchOps ops, ComputeType type, Parameter weight, int scaleColumns) {
    this.weight = weight;
    this.scaleColumns = scaleColumns;
    this.type = productType(type, scaleColumns);
    Shape shape = weight.value().getShape();
    NDArray blank = manager.zeros(shape, DataType.FLOAT32);
    if (this.type == ComputeType.BF16) {
      trits = ops.bf16(manager, blank);
      blank.close();
    } else {
      trits = blank;
    }
    Shape out = new Shape(shape.get(0));
    scale =
        scaleColumns > 0
            ? manager.ones(out, DataType.FLOAT32)
            : manager.zeros(out, DataType.FLOAT32);
  }

  /// The number format of products: with group scales fp32, since bf16 has too few digits for
  /// scales of half precision.
  static ComputeType productType(ComputeType type, int scaleColumns) {
    return scaleColumns > 0 ? ComputeType.FP32 : type;
  }

  Parameter weight() {
    return weight;
  }

  /// The number of output features.
  long width() {
    return scale.size();
  }

  /// Makes trits and scales from the latent weight.
  ///
  /// @param sharpness 1 for trits; below 1, the fraction of the way from the latent weight to them
  void ternarize(TorchOps ops, NDManager scope, double sharpness) {
    if (scaleColumns > 0) {
      ops.ternarizeGroups(scope, weight.value(), scaleColumns, sharpness, trits);
    } else {
      ops.ternarize(scope, weight.value(), weight.blocks(), sharpness, trits, scale);
    }
  }

  /// How many rows of the weight are looked at where only some are, evenly spaced.
  int watchedRows(int stride) {
    return Math.toIntExact(Math.ceilDiv(weight.value().getShape().get(0), stride));
  }

  /// Counts trits, whatever the sharpness; see tensor_ops.py.
  ///
  /// @param before the trits `[watchedRows, in]` of the last time, which those of now replace
  /// @return zeros, and trits that are not as before
  long[] watch(TorchOps ops, NDManager scope, int stride, NDArray before) {
    if (scaleColumns > 0) {
      return ops.watchProducts(scope, trits, stride, before);
    }
    return ops.watchTrits(scope, weight.value(), scale, stride, before);
  }

  /// Quantized input `[tokens, in]` → `[tokens, out]`.
  NDArray forward(GraphContext context, NDManager scope, TorchOps.PerToken input) {
    return context.ops().bitLinear(scope, input, trits, scale);
  }

  /// dy `[tokens, out]` → the gradient of the input before its quantization; adds the weight's.
  ///
  /// @param lastUse whether dy may be overwritten, since nobody needs it afterwards
  NDArray backward(
      GraphContext context, NDManager scope, NDArray dy, boolean lastUse, TorchOps.PerToken input) {
    return context
        .ops()
        .bitLinearBackward(scope, dy, lastUse, input, trits, scale, weight.gradient(), type);
  }
}
