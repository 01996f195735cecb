package bitnet.runtime;

import bitnet.kernel.WeightMatrix;
import bitnet.model.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Linear layers that read the same activations: one matrix, one product.
///
/// @param tensors the layers' weights in the order of the matrix' rows
/// @param matrix `[sum of outs, in]`
/// @param norm `[in]`, the gain of the norm inside the layer, where there is one; it stands for
///     one layer then
/// @param column where the output begins among those of the other layers with the same input
/// @param adapter that adds to the output, where the model has one
record RuntimeLinear(
    List<TensorSpec> tensors,
    WeightMatrix matrix,
    @Nullable MemorySegment norm,
    int column,
    @Nullable RuntimeAdapter adapter) {

  /// Memory in bytes.
  long bytes() {
    return matrix.bytes() + (adapter == null ? 0 : adapter.bytes());
  }

  /// Columns of the outputs of linear layers side by side.
  static int width(List<RuntimeLinear> linears) {
    RuntimeLinear last = linears.getLast();
    return last.column + last.matrix.outFeatures();
  }
}
