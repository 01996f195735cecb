package bitnet.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/// The JDK's Vector API, with vectors as wide as the machine's up to 512 bits. [VectorModule] opens
/// it. Ternary products are looked up where vectors hold the tables, else computed.
final class VectorKernels implements TernaryKernels {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final boolean lookups;
  private final ScalarKernels scalar = new ScalarKernels();
  private final ThreadLocal<ScratchBuffers> scratch = ThreadLocal.withInitial(ScratchBuffers::new);

  /// Multiplies ternary weights by look-ups where vectors are wide enough for them.
  VectorKernels() {
    this(VectorTernaryLookup.isPossible());
  }

  /// @param lookups whether ternary weights are multiplied by look-ups
  VectorKernels(boolean lookups) {
    this.lookups = lookups;
  }

  @Override
  public String name() {
    return "vector " + VectorShapes.bits() + "-bit";
  }

  /// How many tokens, from the first on, are best computed by fours: four together cost less than
  /// three alone, but not less than two.
  static int tokensByFours(int tokens) {
    return tokens < 3 ? 0 : Math.min(tokens, (tokens + 1) / 4 * 4);
  }

  @Override
  public int rowsPerTile() {
    return VectorTernaryRows.ROWS_PER_TILE;
  }

  @Override
  public long tileBytes(int columns) {
    return lookups
        ? VectorTernaryLookup.tileBytes(columns)
        : VectorTernaryProduct.tileBytes(columns);
  }

  @Override
  public void packTile(byte[] trits, int columns, MemorySegment tile) {
    if (lookups) {
      VectorTernaryLookup.packTile(trits, columns, tile);
    } else {
      VectorTernaryProduct.packTile(trits, columns, tile);
    }
  }

  @Override
  public void setRow(Int8Matrix matrix, int row, float[] values, int offset) {
    matrix.setRow(row, values, offset);
  }

  @Override
  public void multiply(
      TernaryMatrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    product(VectorTernaryRows.Weights.of(weights))
        .multiply(input, tokens, firstRow, endRow, out, outStride);
  }

  private VectorTernaryRows product(VectorTernaryRows.Weights weights) {
    return lookups
        ? new VectorTernaryLookup(weights, scratch.get())
        : new VectorTernaryProduct(weights, scratch.get());
  }

  @Override
  public int groupTileColumns(int groupColumns) {
    return lookups ? VectorTernaryLookup.paddedColumns(groupColumns) : groupColumns;
  }

  @Override
  public void multiply(
      GroupTernaryMatrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    if (!weights.hasWholeRows()) {
      weights.multiplyGroups(input, tokens, firstRow, endRow, out, outStride);
      return;
    }
    weights.checkGroups(input);
    product(VectorTernaryRows.Weights.of(weights))
        .multiply(input, tokens, firstRow, endRow, out, outStride);
  }

  @Override
  public void multiply(
      Int8Matrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    new VectorInt8Product(weights, scratch.get())
        .multiply(input, tokens, firstRow, endRow, out, outStride);
  }

  @Override
  public void multiply(
      Int4Matrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    new VectorInt4Product(weights, scratch.get())
        .multiply(input, tokens, firstRow, endRow, out, outStride);
  }

  @Override
  public void multiply(
      FloatMatrix weights,
      MemorySegment input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    new VectorFloatProduct(weights, scratch.get())
        .multiply(input, tokens, firstRow, endRow, out, outStride);
  }

  @Override
  public void quantize(MemorySegment x, QuantizedActivations target, int token) {
    int columns = target.columns();
    float maximum = VectorActivations.maximum(x, columns);
    if (!Float.isFinite(maximum)) {
      scalar.quantize(x, target, token); // says what is wrong
      return;
    }
    int[] rounded = scratch.get().ints(columns);
    float multiplier = 127f / maximum;
    VectorActivations.round(x, columns, multiplier, rounded);
    long index = (long) token * target.stride();
    int sum = 0;
    for (int k = 0; k < columns; k++) {
      target.values().set(ValueLayout.JAVA_BYTE, index + k, (byte) rounded[k]);
      sum += rounded[k];
    }
    target.scales().setAtIndex(FLOAT, token, 1 / multiplier);
    target.sums().setAtIndex(ValueLayout.JAVA_INT, token, sum);
  }

  @Override
  public void normalize(
      MemorySegment x, MemorySegment gain, int count, float epsilon, MemorySegment out) {
    VectorActivations.normalize(x, gain, count, epsilon, out);
  }

  @Override
  public void siluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    int done = VectorActivations.siluGate(gate, up, count, out);
    scalar.siluGate(rest(gate, done), rest(up, done), count - done, rest(out, done));
  }

  @Override
  public void squaredReluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    int done = VectorActivations.squaredReluGate(gate, up, count, out);
    scalar.squaredReluGate(rest(gate, done), rest(up, done), count - done, rest(out, done));
  }

  private static MemorySegment rest(MemorySegment floats, int done) {
    return floats.asSlice((long) done * Float.BYTES);
  }

  @Override
  public void add(MemorySegment x, int count, MemorySegment sum) {
    int done = VectorActivations.add(x, count, sum);
    scalar.add(rest(x, done), count - done, rest(sum, done));
  }

  @Override
  public void rotate(
      MemorySegment heads, int count, MemorySegment cosines, MemorySegment sines, int headDim) {
    if (headDim % (2 * VectorShapes.FLOAT_COUNT) == 0) {
      VectorActivations.rotate(heads, count, cosines, sines, headDim);
    } else {
      scalar.rotate(heads, count, cosines, sines, headDim);
    }
  }

  @Override
  public void toHalf(MemorySegment x, int count, MemorySegment halves) {
    VectorActivations.toHalf(x, count, halves, scratch.get());
  }

  @Override
  public void attend(List<AttentionQuery> rows, AttentionHeads heads, MemorySegment scores) {
    VectorAttention attention = new VectorAttention(heads, scratch.get());
    for (AttentionQuery row : rows) {
      attention.attend(row, scores);
    }
  }
}
