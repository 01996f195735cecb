package bitnet.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import bitnet.kernel.KernelSelector.UnavailableException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// The kernels in C (`src/main/c`), one object for each instruction set. C does not check bounds:
/// every segment's size is checked here before its address is handed on. Longer than other files:
/// each of the C functions has its descriptor, its handle and its checks in the same place.
final class NativeKernels implements TernaryKernels {
  private static final Linker LINKER = Linker.nativeLinker();

  // A function's address is the first argument of its handle, so that handles can be constants:
  // the JIT compiler calls only those without a detour.
  // Those that load weights read arrays of the heap where they are, for some microseconds.
  private static final MethodHandle PACK_TILE =
      handle(FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, ADDRESS), Linker.Option.critical(true));
  private static final MethodHandle INT8_ROW =
      handle(
          FunctionDescriptor.of(JAVA_FLOAT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS),
          Linker.Option.critical(true));
  private static final MethodHandle TERNARY =
      handle(
          FunctionDescriptor.ofVoid(
              ADDRESS, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT,
              JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle TERNARY_GROUPS =
      handle(
          FunctionDescriptor.ofVoid(
              ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT,
              JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle INT8 =
      handle(
          FunctionDescriptor.ofVoid(
              ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT,
              ADDRESS, JAVA_INT));
  private static final MethodHandle INT4 =
      handle(
          FunctionDescriptor.ofVoid(
              ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS,
              JAVA_INT));
  private static final MethodHandle FP32 =
      handle(
          FunctionDescriptor.ofVoid(
              ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle QUANTIZE =
      handle(FunctionDescriptor.of(JAVA_FLOAT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle QUANTIZE_GROUPS =
      handle(
          FunctionDescriptor.of(
              JAVA_FLOAT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT));
  private static final MethodHandle NORMALIZE =
      handle(FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_INT, JAVA_FLOAT, ADDRESS));
  private static final MethodHandle GATE =
      handle(FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_INT, ADDRESS));
  private static final MethodHandle CONVERT =
      handle(FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, ADDRESS));
  private static final MethodHandle ROTATE =
      handle(FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
  private static final int TILE_ROWS = 32;
  private static final int CHUNK_COLUMNS = 16;
  private static final int CHUNK_BYTES = TILE_ROWS * Integer.BYTES;

  private final String instructionSet;
  private final MemorySegment packTile;
  private final MemorySegment int8Row;
  private final MemorySegment ternary;
  private final MemorySegment ternaryGroups;
  private final MemorySegment int8;
  private final MemorySegment int4;
  private final MemorySegment fp32;
  private final MemorySegment quantize;
  private final MemorySegment quantizeGroups;
  private final MemorySegment normalize;
  private final MemorySegment siluGate;
  private final MemorySegment squaredReluGate;
  private final MemorySegment add;
  private final MemorySegment rotate;
  private final MemorySegment toHalf;
  private final NativeAttention attention;

  private NativeKernels(NativeLibrary library, String instructionSet) {
    this.instructionSet = instructionSet;
    this.packTile = library.function(instructionSet + "_pack_tile");
    this.int8Row = library.function(instructionSet + "_int8_row");
    this.ternary = library.function(instructionSet + "_ternary");
    this.ternaryGroups = library.function(instructionSet + "_ternary_groups");
    this.int8 = library.function(instructionSet + "_int8");
    this.int4 = library.function(instructionSet + "_int4");
    this.fp32 = library.function(instructionSet + "_fp32");
    this.quantize = library.function(instructionSet + "_quantize");
    this.quantizeGroups = library.function(instructionSet + "_quantize_groups");
    this.normalize = library.function(instructionSet + "_normalize");
    this.siluGate = library.function(instructionSet + "_silu_gate");
    this.squaredReluGate = library.function(instructionSet + "_squared_relu_gate");
    this.add = library.function(instructionSet + "_add");
    this.rotate = library.function(instructionSet + "_rotate");
    this.toHalf = library.function(instructionSet + "_to_half");
    this.attention = new NativeAttention(library.function(instructionSet + "_attend"));
  }

  @SuppressWarnings("restricted") // the descriptors are those of kernels.h
  static MethodHandle handle(FunctionDescriptor descriptor, Linker.Option... options) {
    return LINKER.downcallHandle(descriptor, options);
  }

  /// The kernels of this processor's best instruction set.
  ///
  /// @throws UnavailableException why there are none
  static NativeKernels open() throws UnavailableException {
    return openAll().getFirst();
  }

  /// The kernels of every instruction set that this processor has, at least one.
  ///
  /// @throws UnavailableException why there are none
  static List<NativeKernels> openAll() throws UnavailableException {
    NativeLibrary library = NativeLibrary.open(NativeLibrary.platform());
    List<NativeKernels> kernels = new ArrayList<>();
    for (String set : library.instructionSets()) {
      kernels.add(new NativeKernels(library, set));
    }
    if (kernels.isEmpty()) {
      throw new UnavailableException(
          "this processor has neither AVX2 with FMA and F16C nor NEON dot products");
    }
    return kernels;
  }

  @Override
  public String name() {
    return "native " + instructionSet;
  }

  /// As the functions' prefix in C, for example `avx2`.
  String instructionSet() {
    return instructionSet;
  }

  @Override
  public int rowsPerTile() {
    return TILE_ROWS;
  }

  @Override
  public long tileBytes(int columns) {
    return (long) Math.ceilDiv(columns, CHUNK_COLUMNS) * CHUNK_BYTES;
  }

  /// The layout is described in `kernels.h`.
  @Override
  public void packTile(byte[] trits, int columns, MemorySegment tile) {
    MemorySegment rows = MemorySegment.ofArray(trits);
    checkBytes("trits", rows, (long) TILE_ROWS * columns);
    checkBytes("tile", tile, tileBytes(columns));
    try {
      PACK_TILE.invokeExact(packTile, rows, columns, tile);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  @Override
  public void setRow(Int8Matrix matrix, int row, float[] values, int offset) {
    Objects.checkFromIndexSize(offset, matrix.inFeatures(), values.length);
    checkRows(row, row + 1, matrix.outFeatures());
    float maximum;
    try {
      maximum =
          (float)
              INT8_ROW.invokeExact(
                  int8Row,
                  MemorySegment.ofArray(values).asSlice((long) offset * Float.BYTES),
                  matrix.inFeatures(),
                  matrix.quantized().asSlice((long) row * matrix.stride(), matrix.stride()),
                  matrix.scales().asSlice((long) row * Float.BYTES, Float.BYTES),
                  matrix.sums().asSlice((long) row * Integer.BYTES, Integer.BYTES));
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
    if (!Float.isFinite(maximum)) {
      throw Int8Matrix.notFinite(row);
    }
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
    checkInput(weights.inFeatures(), input, tokens);
    checkRows(firstRow, endRow, weights.outFeatures());
    checkOut(out, tokens, endRow, outStride);
    checkTiles(firstRow, endRow, weights.outFeatures());
    try {
      TERNARY.invokeExact(
          ternary,
          weights.tiles(),
          weights.scales(),
          weights.inFeatures(),
          input.values(),
          input.stride(),
          input.scales(),
          input.sums(),
          tokens,
          firstRow,
          endRow,
          out,
          outStride);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  @Override
  public int groupTileColumns(int groupColumns) {
    return groupColumns;
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
    checkInput(weights.inFeatures(), input, tokens);
    checkRows(firstRow, endRow, weights.outFeatures());
    checkOut(out, tokens, endRow, outStride);
    checkTiles(firstRow, endRow, weights.outFeatures());
    weights.checkGroups(input);
    try {
      TERNARY_GROUPS.invokeExact(
          ternaryGroups,
          weights.tiles(),
          weights.scales(),
          weights.inFeatures(),
          weights.groupColumns(),
          input.values(),
          input.stride(),
          input.groupScales(),
          input.groupSums(),
          input.groupCapacity(),
          tokens,
          firstRow,
          endRow,
          out,
          outStride);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
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
    checkInput(weights.inFeatures(), input, tokens);
    checkRows(firstRow, endRow, weights.outFeatures());
    checkOut(out, tokens, endRow, outStride);
    try {
      INT8.invokeExact(
          int8,
          weights.quantized(),
          weights.scales(),
          weights.sums(),
          input.values(),
          input.stride(),
          input.scales(),
          tokens,
          firstRow,
          endRow,
          out,
          outStride);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
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
    checkInput(weights.inFeatures(), input, tokens);
    checkRows(firstRow, endRow, weights.outFeatures());
    checkOut(out, tokens, endRow, outStride);
    try {
      INT4.invokeExact(
          int4,
          weights.nibbles(),
          weights.scales(),
          weights.groups(),
          input.values(),
          input.scales(),
          tokens,
          firstRow,
          endRow,
          out,
          outStride);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
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
    checkFloats("input", input, (long) tokens * weights.inFeatures());
    checkRows(firstRow, endRow, weights.outFeatures());
    checkOut(out, tokens, endRow, outStride);
    try {
      FP32.invokeExact(
          fp32,
          weights.values(),
          weights.inFeatures(),
          input,
          tokens,
          firstRow,
          endRow,
          out,
          outStride);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  @Override
  public void quantize(MemorySegment x, QuantizedActivations target, int token) {
    checkFloats("x", x, target.columns());
    float maximum;
    try {
      maximum =
          (float)
              QUANTIZE.invokeExact(
                  quantize,
                  x,
                  target.columns(),
                  target.values().asSlice((long) token * target.stride(), target.stride()),
                  target.scales().asSlice((long) token * Float.BYTES, Float.BYTES),
                  target.sums().asSlice((long) token * Integer.BYTES, Integer.BYTES));
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
    checkActivations(maximum);
  }

  private static void checkActivations(float maximum) {
    if (!Float.isFinite(maximum)) {
      throw new IllegalArgumentException(
          "max|x| is %s; an activation is not finite, the model's weights are damaged"
              .formatted(maximum));
    }
  }

  @Override
  public void quantizeGroups(MemorySegment x, QuantizedActivations target, int token) {
    checkFloats("x", x, target.columns());
    Objects.checkIndex(token, target.capacity());
    float maximum;
    try {
      maximum =
          (float)
              QUANTIZE_GROUPS.invokeExact(
                  quantizeGroups,
                  x,
                  target.columns(),
                  target.groups().getFirst().columns(),
                  target.values().asSlice((long) token * target.stride(), target.stride()),
                  target.groupScales().asSlice((long) token * Float.BYTES),
                  target.groupSums().asSlice((long) token * Integer.BYTES),
                  target.groupCapacity());
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
    checkActivations(maximum);
  }

  @Override
  public void normalize(
      MemorySegment x, MemorySegment gain, int count, float epsilon, MemorySegment out) {
    checkFloats("x", x, count);
    checkFloats("gain", gain, count);
    checkFloats("out", out, count);
    try {
      NORMALIZE.invokeExact(normalize, x, gain, count, epsilon, out);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  @Override
  public void siluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    gate(siluGate, gate, up, count, out);
  }

  @Override
  public void squaredReluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    gate(squaredReluGate, gate, up, count, out);
  }

  private static void gate(
      MemorySegment function, MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    checkFloats("gate", gate, count);
    checkFloats("up", up, count);
    checkFloats("out", out, count);
    try {
      GATE.invokeExact(function, gate, up, count, out);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  @Override
  public void add(MemorySegment x, int count, MemorySegment sum) {
    checkFloats("x", x, count);
    checkFloats("sum", sum, count);
    convert(add, x, count, sum);
  }

  @Override
  public void rotate(
      MemorySegment heads, int count, MemorySegment cosines, MemorySegment sines, int headDim) {
    checkFloats("heads", heads, (long) count * headDim);
    checkFloats("cosines", cosines, headDim / 2);
    checkFloats("sines", sines, headDim / 2);
    try {
      ROTATE.invokeExact(rotate, heads, count, cosines, sines, headDim);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  @Override
  public void toHalf(MemorySegment x, int count, MemorySegment halves) {
    checkFloats("x", x, count);
    checkBytes("halves", halves, (long) count * Short.BYTES);
    convert(toHalf, x, count, halves);
  }

  private static void convert(MemorySegment function, MemorySegment x, int count, MemorySegment y) {
    try {
      CONVERT.invokeExact(function, x, count, y);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  @Override
  public void attend(List<AttentionQuery> rows, AttentionHeads heads, MemorySegment scores) {
    attention.attend(rows, heads, scores);
  }

  private static void checkInput(int columns, QuantizedActivations input, int tokens) {
    if (input.columns() != columns) {
      throw new IllegalArgumentException(
          "the activations have %d columns, the weights %d".formatted(input.columns(), columns));
    }
    if (tokens > input.capacity()) {
      throw new IllegalArgumentException(
          "%d tokens asked of activations of %d".formatted(tokens, input.capacity()));
    }
  }

  private static void checkRows(int firstRow, int endRow, int rows) {
    if (firstRow < 0 || firstRow > endRow || endRow > rows) {
      throw new IllegalArgumentException(
          "rows %d to %d are not within a matrix of %d rows".formatted(firstRow, endRow, rows));
    }
  }

  private static void checkTiles(int firstRow, int endRow, int rows) {
    if (firstRow % TILE_ROWS != 0 || (endRow % TILE_ROWS != 0 && endRow != rows)) {
      throw new IllegalArgumentException(
          "rows %d to %d do not begin and end with a tile of %d rows"
              .formatted(firstRow, endRow, TILE_ROWS));
    }
  }

  private static void checkOut(MemorySegment out, int tokens, int endRow, int outStride) {
    if (endRow > outStride) {
      throw new IllegalArgumentException(
          "%d rows do not fit an output of %d a token".formatted(endRow, outStride));
    }
    checkFloats("out", out, (tokens - 1L) * outStride + endRow);
  }

  static void checkFloats(String name, MemorySegment segment, long count) {
    checkBytes(name, segment, count * Float.BYTES);
  }

  static void checkBytes(String name, MemorySegment segment, long bytes) {
    if (segment.byteSize() < bytes) {
      throw new IndexOutOfBoundsException(
          "%s has %d bytes, %d are needed".formatted(name, segment.byteSize(), bytes));
    }
  }

  /// What a handle throws: something about its arguments, for C throws nothing.
  static RuntimeException unchecked(Throwable failure) {
    return switch (failure) {
      case RuntimeException exception -> exception;
      case Error error -> throw error;
      default -> new IllegalStateException(failure);
    };
  }
}
