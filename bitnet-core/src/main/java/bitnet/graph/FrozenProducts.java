package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.kernel.GroupTernaryMatrix;
import bitnet.kernel.HugePageArena;
import bitnet.kernel.KernelSelector;
import bitnet.kernel.QuantizedActivations;
import bitnet.kernel.TernaryKernels;
import bitnet.kernel.TernaryMatrix;
import bitnet.kernel.TernaryTable;
import bitnet.kernel.ThreadTeam;
import bitnet.model.ActivationScale;
import bitnet.model.LlamaConfig;
import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The products of frozen ternary weights, on the memory of tensors: the kernels of the runtime
/// multiply packed trits with int8 activations, so that the forward pass has the runtime's bits.
///
/// A weight takes two bits in the kernels' layout, for the forward pass, and two bits row by row,
/// for the gradient of the input, which needs the columns: a block of rows at a time becomes fp32.
/// Activations that are not quantized are multiplied with these blocks too.
final class FrozenProducts implements AutoCloseable {
  /// Tokens that are quantized and multiplied together: their activations stay in cache.
  private static final int TOKENS = 128;

  /// fp32 weights that exist at once, for each width of the input.
  private static final int BLOCK_WEIGHTS = 1 << 21;

  private final LlamaConfig config;
  private final NDManager manager;
  private final TernaryKernels kernels = KernelSelector.select("auto");
  private final ThreadTeam team;
  private final Arena arena = new HugePageArena();
  private final Map<Integer, QuantizedActivations> inputs = new HashMap<>();
  private final Map<Integer, NDArray> blocks = new HashMap<>();

  /// @param manager owns the blocks
  FrozenProducts(LlamaConfig config, NDManager manager, int threads) {
    this.config = config;
    this.manager = manager;
    this.team = new ThreadTeam(threads);
  }

  /// Packed weights `[rows, columns]` of layers that read the same input.
  ///
  /// @param parts the layers' trits
  /// @param grouped those with group scales, for the kernels
  /// @param plain those without
  record Packed(
      int rows,
      int columns,
      List<TernaryTable> parts,
      @Nullable GroupTernaryMatrix grouped,
      @Nullable TernaryMatrix plain) {}

  /// Packs layers, one below the other.
  Packed pack(List<TernaryRows> layers) {
    int columns = layers.getFirst().columns();
    int rows = layers.stream().mapToInt(TernaryRows::rows).sum();
    List<TernaryTable> parts =
        layers.stream()
            .map(
                layer -> {
                  TernaryTable table =
                      new TernaryTable(layer.rows(), columns, layer.groupColumns(), arena);
                  table.fill(layer, team);
                  return table;
                })
            .toList();
    boolean integer = config.weights().activations() != ActivationScale.FLOAT;
    boolean groups = config.hasGroupScales();
    return new Packed(
        rows,
        columns,
        parts,
        integer && groups ? GroupTernaryMatrix.pack(kernels, layers, arena, team) : null,
        integer && !groups ? TernaryMatrix.pack(kernels, layers, arena, team) : null);
  }

  /// x `[tokens, columns]` → `[tokens, rows]`.
  NDArray multiply(GraphContext context, NDManager scope, NDArray x, Packed weights) {
    int tokens = Math.toIntExact(x.getShape().get(0));
    NDArray y = scope.zeros(new Shape(tokens, weights.rows()), DataType.FLOAT32);
    if (weights.grouped() == null && weights.plain() == null) {
      forBlocks(
          weights,
          (first, count, block) ->
              context.ops().blockProduct(scope, y, x, first, block, count, productType(context)));
      return y;
    }
    MemorySegment in = TensorMemory.of(x);
    MemorySegment out = TensorMemory.of(y);
    long inBytes = (long) weights.columns() * Float.BYTES;
    long outBytes = (long) weights.rows() * Float.BYTES;
    for (int first = 0; first < tokens; first += TOKENS) {
      int count = Math.min(TOKENS, tokens - first);
      multiply(
          in.asSlice(first * inBytes, count * inBytes),
          count,
          weights,
          out.asSlice(first * outBytes, count * outBytes));
    }
    return y;
  }

  private void multiply(MemorySegment x, int tokens, Packed weights, MemorySegment y) {
    int columns = weights.columns();
    long bytes = (long) columns * Float.BYTES;
    boolean ownScales = config.weights().activations() == ActivationScale.INT8_GROUP;
    boolean[] finite = new boolean[tokens];
    QuantizedActivations input = inputs.computeIfAbsent(columns, this::activations);
    team.forRanges(
        tokens,
        1,
        (first, end) -> {
          for (int token = first; token < end; token++) {
            MemorySegment values = x.asSlice(token * bytes, bytes);
            finite[token] = isFinite(values, columns);
            if (finite[token]) {
              input.quantize(kernels, values, token, ownScales);
            }
          }
        });
    GroupTernaryMatrix grouped = weights.grouped();
    TernaryMatrix plain = weights.plain();
    int rows = weights.rows();
    team.forRanges(
        rows,
        kernels.rowsPerTile(),
        (first, end) -> {
          if (grouped != null) {
            kernels.multiply(grouped, input, tokens, first, end, y, rows);
          } else if (plain != null) {
            kernels.multiply(plain, input, tokens, first, end, y, rows);
          }
        });
    // as in trained layers: what has diverged shows in the loss, where the trainer looks for it
    for (int token = 0; token < tokens; token++) {
      for (int row = 0; !finite[token] && row < rows; row++) {
        y.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) token * rows + row, Float.NaN);
      }
    }
  }

  /// Whether all values are finite: 0 times any other is NaN.
  private static boolean isFinite(MemorySegment values, int count) {
    float sum = 0;
    for (int i = 0; i < count; i++) {
      sum += 0 * values.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
    }
    return sum == 0;
  }

  private QuantizedActivations activations(int columns) {
    return config.hasGroupScales()
        ? new QuantizedActivations(arena, TOKENS, columns, config.weights().scaleColumns())
        : new QuantizedActivations(arena, TOKENS, columns);
  }

  /// dy `[tokens, rows]` → the gradient of x, straight through its quantization.
  NDArray backward(GraphContext context, NDManager scope, NDArray dy, Packed weights) {
    NDArray dx = scope.zeros(new Shape(dy.getShape().get(0), weights.columns()), DataType.FLOAT32);
    forBlocks(
        weights,
        (first, count, block) ->
            context.ops().blockBackward(scope, dx, dy, first, block, count, productType(context)));
    return dx;
  }

  private ComputeType productType(GraphContext context) {
    return BitLinear.productType(context.type(), config.weights().scaleColumns());
  }

  private interface BlockBody {
    /// @param first the block's first row in the packed weights
    /// @param count rows of the block that hold weights
    /// @param block fp32 weights `[at least count, columns]`
    void run(long first, long count, NDArray block);
  }

  private void forBlocks(Packed weights, BlockBody body) {
    int columns = weights.columns();
    int height = Math.max(1, BLOCK_WEIGHTS / columns);
    long rowBytes = (long) columns * Float.BYTES;
    NDArray block =
        blocks.computeIfAbsent(
            columns, width -> manager.zeros(new Shape(height, width), DataType.FLOAT32));
    MemorySegment memory = TensorMemory.of(block);
    long start = 0;
    for (TernaryTable part : weights.parts()) {
      for (int row = 0; row < part.rows(); row += height) {
        int begin = row;
        int count = Math.min(height, part.rows() - row);
        team.forRanges(
            count,
            1,
            (first, end) ->
                part.getRows(begin + first, end - first, memory.asSlice(first * rowBytes)));
        body.run(start + row, count, block);
      }
      start += part.rows();
    }
  }

  /// The threads, for other work between products.
  ThreadTeam team() {
    return team;
  }

  @Override
  public void close() {
    team.close();
    arena.close();
  }
}
