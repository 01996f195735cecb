package bitnet.runtime;

import bitnet.kernel.FloatMatrix;
import bitnet.kernel.TernaryKernels;
import bitnet.model.AdapterWeights;
import bitnet.model.LoraSettings;
import bitnet.model.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The low-rank adapters (LoRA) of linear layers that read the same activations: their products are
/// added to those of the layers, which stay as they are. The scaling is multiplied into B.
///
/// As everywhere in the runtime, a token's numbers do not depend on what is computed with it.
final class RuntimeAdapter {
  /// A and B of one layer.
  ///
  /// @param linear the layer
  /// @param down A, `[rank, in]`
  /// @param up B times the scaling, `[out, rank]`
  /// @param firstRow where its outputs begin among those of all layers
  private record Factors(TensorSpec linear, FloatMatrix down, FloatMatrix up, int firstRow) {}

  private final LoraSettings settings;
  private final List<Factors> factors;

  private RuntimeAdapter(LoraSettings settings, List<Factors> factors) {
    this.settings = settings;
    this.factors = factors;
  }

  /// The adapters of some layers, if any of them has one.
  ///
  /// @param tensors the layers' weights, in the order of their outputs
  static Optional<RuntimeAdapter> of(AdapterWeights weights, List<TensorSpec> tensors, Arena arena)
      throws IOException {
    LoraSettings settings = weights.settings();
    List<Factors> factors = new ArrayList<>();
    int row = 0;
    for (TensorSpec linear : tensors) {
      if (settings.adapts(linear)) {
        factors.add(
            new Factors(
                linear,
                new FloatMatrix(settings.rank(), linear.columns(), arena),
                new FloatMatrix(linear.rows(), settings.rank(), arena),
                row));
      }
      row += linear.rows();
    }
    if (factors.isEmpty()) {
      return Optional.empty();
    }
    RuntimeAdapter adapter = new RuntimeAdapter(settings, List.copyOf(factors));
    adapter.read(weights);
    return Optional.of(adapter);
  }

  /// Takes over weights of the same dimensions.
  void read(AdapterWeights weights) throws IOException {
    float scaling = (float) settings.scaling();
    for (Factors each : factors) {
      weights.read(settings.down(each.linear), each.down.rowSlice(0, settings.rank()));
      MemorySegment up = each.up.rowSlice(0, each.linear.rows());
      weights.read(settings.up(each.linear), up);
      for (long i = 0; i < (long) each.linear.rows() * settings.rank(); i++) {
        float value = up.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        up.setAtIndex(ValueLayout.JAVA_FLOAT, i, scaling * value);
      }
    }
  }

  /// Numbers of a token between the two factors.
  int innerWidth() {
    return factors.size() * settings.rank();
  }

  /// Memory in bytes.
  long bytes() {
    return factors.stream().mapToLong(each -> each.down.bytes() + each.up.bytes()).sum();
  }

  /// `A x` of some tokens, for some of the numbers between the factors.
  ///
  /// @param input `[tokens, in]`
  /// @param firstToken the number of the first of them in the batch
  /// @param inner `[layer, capacity, rank]`
  void down(
      TernaryKernels kernels,
      MemorySegment input,
      int firstToken,
      int tokens,
      int first,
      int end,
      MemorySegment inner,
      int capacity) {
    int rank = settings.rank();
    for (int i = 0; i < factors.size(); i++) {
      int low = Math.max(first - i * rank, 0);
      int high = Math.min(end - i * rank, rank);
      if (low < high) {
        MemorySegment out = floats(inner, ((long) i * capacity + firstToken) * rank);
        kernels.multiply(factors.get(i).down, input, tokens, low, high, out, rank);
      }
    }
  }

  /// Adds `scaling * B (A x)` to the outputs from firstRow to below endRow.
  ///
  /// @param inner of [#down], for all tokens
  /// @param scratch `[tokens, stride]`; the columns from firstRow to below endRow are overwritten
  /// @param out `[tokens, stride]`
  void add(
      TernaryKernels kernels,
      MemorySegment inner,
      int capacity,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment scratch,
      MemorySegment out,
      int stride) {
    for (int i = 0; i < factors.size(); i++) {
      Factors each = factors.get(i);
      int low = Math.max(firstRow, each.firstRow);
      int high = Math.min(endRow, each.firstRow + each.up.outFeatures());
      if (low < high) {
        kernels.multiply(
            each.up,
            floats(inner, (long) i * capacity * settings.rank()),
            tokens,
            low - each.firstRow,
            high - each.firstRow,
            floats(scratch, each.firstRow),
            stride);
        for (int token = 0; token < tokens; token++) {
          long at = (long) token * stride + low;
          int count = high - low;
          kernels.add(floats(scratch, at, count), count, floats(out, at, count));
        }
      }
    }
  }

  private static MemorySegment floats(MemorySegment segment, long first) {
    return segment.asSlice(first * Float.BYTES);
  }

  private static MemorySegment floats(MemorySegment segment, long first, int count) {
    return segment.asSlice(first * Float.BYTES, (long) count * Float.BYTES);
  }
}
