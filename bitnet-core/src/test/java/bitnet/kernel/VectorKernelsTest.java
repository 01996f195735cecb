package bitnet.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import bitnet.kernel.KernelSelector.UnavailableException;
import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Compares the vector provider with the scalar definition.
class VectorKernelsTest {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final float UNWRITTEN = -12345;

  private final Arena arena = Arena.ofAuto();
  private final Random random = new Random(7);
  private final TernaryKernels scalar = new ScalarKernels();
  private final ThreadTeam team = new ThreadTeam(1);
  private TernaryKernels vector;

  @BeforeEach
  void open() throws UnavailableException {
    vector = VectorModule.open();
  }

  @AfterEach
  void close() {
    team.close();
  }

  @Test
  void isNamedAfterTheWidthOfItsVectors() {
    assertThat(vector.name()).matches("vector (128|256|512)-bit");
    assertThat(KernelSelector.select("vector")).isInstanceOf(VectorKernels.class);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "3, 5, 2",
    "4, 63, 3",
    "5, 64, 4",
    "7, 65, 5",
    "8, 127, 6",
    "9, 128, 7",
    "63, 129, 8",
    "64, 255, 1",
    "65, 256, 9",
    "66, 257, 3",
    "130, 700, 11",
    "12, 3967, 4",
    "13, 3969, 5",
    "6, 8000, 3",
    "5, 16001, 1"
  })
  void ternaryProductsAreTheSameBitForBit(int rows, int columns, int tokens) {
    Trits weights = trits(rows, columns, false);
    compareTernary(weights, activations(columns, tokens, false), tokens);
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 3968, 4096, 20000})
  void ternaryProductsOfExtremeCodesAreTheSameBitForBit(int columns) {
    Trits weights = trits(6, columns, true);
    for (int tokens : new int[] {1, 4}) {
      compareTernary(weights, activations(columns, tokens, true), tokens);
    }
  }

  private void compareTernary(Trits weights, QuantizedActivations input, int tokens) {
    TernaryMatrix expected = TernaryMatrix.pack(scalar, List.of(weights), arena, team);
    TernaryMatrix actual = TernaryMatrix.pack(vector, List.of(weights), arena, team);
    compareRanges(
        weights.rows(),
        tokens,
        (first, end, out, stride) ->
            scalar.multiply(expected, input, tokens, first, end, out, stride),
        (first, end, out, stride) ->
            vector.multiply(actual, input, tokens, first, end, out, stride));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "2, 63, 2",
    "3, 64, 3",
    "5, 65, 4",
    "31, 128, 5",
    "32, 129, 6",
    "33, 200, 7",
    "65, 500, 8",
    "3, 9000, 1",
    "3, 9000, 9"
  })
  void int8ProductsAreTheSameBitForBit(int rows, int columns, int tokens) {
    Int8Matrix weights = int8(rows, columns, false);
    compareInt8(weights, activations(columns, tokens, false), tokens);
  }

  @ParameterizedTest
  @ValueSource(ints = {64, 4096, 8192, 8320, 33000})
  void int8ProductsOfExtremeCodesAreTheSameBitForBit(int columns) {
    Int8Matrix weights = int8(3, columns, true);
    for (int tokens : new int[] {1, 4}) {
      compareInt8(weights, activations(columns, tokens, true), tokens);
    }
  }

  private void compareInt8(Int8Matrix weights, QuantizedActivations input, int tokens) {
    compareRanges(
        weights.outFeatures(),
        tokens,
        (first, end, out, stride) ->
            scalar.multiply(weights, input, tokens, first, end, out, stride),
        (first, end, out, stride) ->
            vector.multiply(weights, input, tokens, first, end, out, stride));
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "2, 63, 2", "3, 64, 3", "5, 65, 4", "9, 1000, 5"})
  void int4ProductsAreTheSameButForRounding(int rows, int columns, int tokens) {
    for (boolean extreme : new boolean[] {false, true}) {
      Int4Matrix weights = new Int4Matrix(rows, columns, arena);
      for (int row = 0; row < rows; row++) {
        weights.setRow(row, (extreme ? constant(columns, -1) : floats(columns)).toArray(FLOAT), 0);
      }
      QuantizedActivations input = activations(columns, tokens, extreme);
      MemorySegment expected = floats(tokens * rows);
      MemorySegment actual = floats(tokens * rows);
      scalar.multiply(weights, input, tokens, 0, rows, expected, rows);
      vector.multiply(weights, input, tokens, 0, rows, actual, rows);
      assertClose(actual, expected, 1e-5 * columns);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "2, 7, 2", "3, 8, 3", "5, 33, 4", "35, 65, 5", "2, 1000, 7"})
  void floatProductsAreTheSameButForRounding(int rows, int columns, int tokens) {
    FloatMatrix weights = new FloatMatrix(rows, columns, arena);
    weights.values().copyFrom(floats(rows * columns));
    MemorySegment input = floats(tokens * columns);
    MemorySegment expected = floats(tokens * rows);
    MemorySegment actual = floats(tokens * rows);
    scalar.multiply(weights, input, tokens, 0, rows, expected, rows);
    vector.multiply(weights, input, tokens, 0, rows, actual, rows);
    assertClose(actual, expected, 1e-6 * columns);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 7", "3, 8", "5, 33", "35, 65", "2, 1000"})
  void floatProductsOfATokenDoNotDependOnTheOthers(int rows, int columns) {
    FloatMatrix weights = new FloatMatrix(rows, columns, arena);
    weights.values().copyFrom(floats(rows * columns));
    int tokens = 7;
    MemorySegment input = floats(tokens * columns);
    MemorySegment together = floats(tokens * rows);
    MemorySegment alone = floats(tokens * rows);
    vector.multiply(weights, input, tokens, 0, rows, together, rows);
    for (int t = 0; t < tokens; t++) {
      MemorySegment one = input.asSlice((long) t * columns * Float.BYTES);
      vector.multiply(weights, one, 1, 0, rows, alone.asSlice((long) t * rows * Float.BYTES), rows);
    }
    assertThat(together.mismatch(alone)).isEqualTo(-1);
  }

  /// The interpreter computes the first times, compiled code the last.
  @Test
  void resultsStayTheSameWhileTheProgramWarmsUp() {
    int columns = 137;
    FloatMatrix weights = new FloatMatrix(3, columns, arena);
    weights.values().copyFrom(floats(3 * columns));
    MemorySegment input = floats(columns);
    MemorySegment first = floats(3);
    vector.multiply(weights, input, 1, 0, 3, first, 3);
    for (int i = 0; i < 20_000; i++) {
      MemorySegment again = MemorySegment.ofArray(new float[3]);
      vector.multiply(weights, input, 1, 0, 3, again, 3);
      assertThat(again.mismatch(first)).as("time %d", i).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 8, 9, 16, 63, 64, 65, 1000})
  void quantizedCodesStepsAndSumsAreTheSame(int columns) {
    for (float magnitude : new float[] {0, 1e-7f, 1, 127, 3e38f}) {
      MemorySegment x = floats(columns);
      for (int k = 0; k < columns; k++) {
        // halves of the step are the values whose rounding is a tie
        float value = k % 2 == 0 ? Math.round(x.getAtIndex(FLOAT, k) * 60) * 0.5f / 127 : 1;
        x.setAtIndex(FLOAT, k, value * magnitude);
      }
      QuantizedActivations expected = new QuantizedActivations(arena, 2, columns);
      QuantizedActivations actual = new QuantizedActivations(arena, 2, columns);
      scalar.quantize(x, expected, 1);
      vector.quantize(x, actual, 1);
      assertThat(actual.values().mismatch(expected.values())).isEqualTo(-1);
      assertThat(actual.scales().mismatch(expected.scales())).isEqualTo(-1);
      assertThat(actual.sums().mismatch(expected.sums())).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void anActivationThatIsNotFiniteIsRefused(float value) {
    for (int place : new int[] {0, 20}) {
      MemorySegment x = floats(21);
      x.setAtIndex(FLOAT, place, value);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> vector.quantize(x, new QuantizedActivations(arena, 1, 21), 0))
          .withMessageContaining("not finite");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 13, 64, 1000})
  void normalizedValuesAreTheSameButForRounding(int count) {
    MemorySegment x = floats(count);
    MemorySegment gain = floats(count);
    MemorySegment expected = floats(count);
    scalar.normalize(x, gain, count, 1e-5f, expected);
    vector.normalize(x, gain, count, 1e-5f, x);
    assertClose(x, expected, 1e-6);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 13, 1000})
  void gatesAreTheSameButForRounding(int count) {
    MemorySegment gate = floats(count);
    for (int i = 0; i < count; i++) {
      gate.setAtIndex(FLOAT, i, gate.getAtIndex(FLOAT, i) * (i % 3 == 0 ? 100 : 10));
    }
    MemorySegment up = constant(count, 1);
    MemorySegment expected = floats(count);
    MemorySegment actual = floats(count);
    scalar.squaredReluGate(gate, up, count, expected);
    vector.squaredReluGate(gate, up, count, actual);
    assertThat(actual.mismatch(expected)).isEqualTo(-1);
    scalar.siluGate(gate, up, count, expected);
    vector.siluGate(gate, up, count, actual);
    for (int i = 0; i < count; i++) {
      float value = expected.getAtIndex(FLOAT, i);
      assertThat(actual.getAtIndex(FLOAT, i))
          .isCloseTo(value, within(Math.abs(value) * 1e-6f + 1e-36f));
    }
  }

  @Test
  void theGateOfGreatAndOddValuesIsThatOfTheDefinition() {
    float[] odd = {0, -0f, 88, -88, 1000, -1000, Float.MAX_VALUE, Float.POSITIVE_INFINITY};
    MemorySegment gate = arena.allocateFrom(ValueLayout.JAVA_FLOAT, odd);
    MemorySegment up = constant(odd.length, 2);
    MemorySegment expected = floats(odd.length);
    scalar.siluGate(gate, up, odd.length, expected);
    vector.siluGate(gate, up, odd.length, gate);
    assertClose(gate, expected, 1e-6);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 8", "2, 31, 16", "3, 32, 24", "4, 33, 128", "1, 100, 7", "5, 65, 64"})
  void attentionIsTheSameButForRounding(int heads, int positions, int headDim) {
    for (CacheType type : CacheType.values()) {
      MemorySegment queries = floats(heads * headDim);
      MemorySegment keys = cache(positions * headDim, type);
      MemorySegment values = cache(positions * headDim, type);
      MemorySegment scores = floats(heads * positions);
      MemorySegment expected = floats(heads * headDim);
      MemorySegment actual = floats(heads * headDim);
      CachedKeysValues rows = new CachedKeysValues(keys, values, positions);
      AttentionQuery row = new AttentionQuery(queries, CachedKeysValues.NONE, rows, expected);
      AttentionHeads shape = new AttentionHeads(heads, headDim, type, 0.5f);
      scalar.attend(List.of(row), shape, scores);
      row = new AttentionQuery(queries, CachedKeysValues.NONE, rows, actual);
      vector.attend(List.of(row), shape, scores);
      assertClose(actual, expected, 1e-5);
    }
  }

  @Test
  void everyHalfIsReadAsItIs() {
    int halves = 1 << Short.SIZE;
    MemorySegment values = arena.allocate(ValueLayout.JAVA_SHORT, halves);
    for (int half = 0; half < halves; half++) {
      values.setAtIndex(ValueLayout.JAVA_SHORT, half, (short) half);
    }
    MemorySegment zeros = constant(halves, 0);
    MemorySegment out = constant(halves, UNWRITTEN);
    MemorySegment score = constant(1, 0);
    CachedKeysValues rows = new CachedKeysValues(zeros, values, 1);
    AttentionQuery row = new AttentionQuery(zeros, CachedKeysValues.NONE, rows, out);
    vector.attend(List.of(row), new AttentionHeads(1, halves, CacheType.FP16, 1), score);
    for (int half = 0; half < halves; half++) {
      float value = Float.float16ToFloat((short) half);
      float read = out.getAtIndex(FLOAT, half);
      assertThat(read == value || (Float.isNaN(read) && Float.isNaN(value))).isTrue();
    }
  }

  /// Multiplies rows from `first` to below `end`.
  private interface Product {
    void run(int first, int end, MemorySegment out, int stride);
  }

  /// Compares whole products, and products of a range of rows, which leave the others alone.
  private void compareRanges(int rows, int tokens, Product expected, Product actual) {
    int tile = vector.rowsPerTile();
    int stride = rows + 3;
    for (int first = 0; first < rows; first += Math.max(tile, rows / 2 / tile * tile)) {
      for (int end : new int[] {Math.min(rows, first + tile), rows}) {
        MemorySegment wanted = constant(tokens * stride, UNWRITTEN);
        MemorySegment got = constant(tokens * stride, UNWRITTEN);
        expected.run(first, end, wanted, stride);
        actual.run(first, end, got, stride);
        assertThat(got.mismatch(wanted)).as("rows %d to %d", first, end).isEqualTo(-1);
      }
    }
  }

  private static void assertClose(MemorySegment actual, MemorySegment expected, double tolerance) {
    for (int i = 0; i < expected.byteSize() / Float.BYTES; i++) {
      float value = expected.getAtIndex(FLOAT, i);
      double bound = tolerance * Math.max(1, Math.abs(value));
      if (actual.getAtIndex(FLOAT, i) != value) {
        assertThat((double) actual.getAtIndex(FLOAT, i)).isCloseTo(value, within(bound));
      }
    }
  }

  private MemorySegment floats(int count) {
    MemorySegment values = arena.allocate(ValueLayout.JAVA_FLOAT, count);
    for (int i = 0; i < count; i++) {
      values.setAtIndex(FLOAT, i, (float) random.nextGaussian());
    }
    return values;
  }

  private MemorySegment constant(int count, float value) {
    MemorySegment values = arena.allocate(ValueLayout.JAVA_FLOAT, count);
    for (int i = 0; i < count; i++) {
      values.setAtIndex(FLOAT, i, value);
    }
    return values;
  }

  private MemorySegment cache(int count, CacheType type) {
    MemorySegment values = floats(count);
    if (type == CacheType.FP32) {
      return values;
    }
    MemorySegment halves = arena.allocate(ValueLayout.JAVA_SHORT, count);
    for (int i = 0; i < count; i++) {
      short half = Float.floatToFloat16(values.getAtIndex(FLOAT, i));
      halves.setAtIndex(ValueLayout.JAVA_SHORT, i, half);
    }
    return halves;
  }

  private Int8Matrix int8(int rows, int columns, boolean extreme) {
    Int8Matrix weights = new Int8Matrix(rows, columns, arena);
    for (int row = 0; row < rows; row++) {
      weights.setRow(
          row,
          (extreme ? constant(columns, row % 2 == 0 ? -1 : 1) : floats(columns)).toArray(FLOAT),
          0);
    }
    return weights;
  }

  private QuantizedActivations activations(int columns, int tokens, boolean extreme) {
    QuantizedActivations input = new QuantizedActivations(arena, tokens, columns);
    for (int token = 0; token < tokens; token++) {
      int sum = 0;
      for (int k = 0; k < columns; k++) {
        int code = extreme ? (token % 2 == 0 ? -128 : 127) : random.nextInt(-128, 128);
        input.values().set(ValueLayout.JAVA_BYTE, (long) token * input.stride() + k, (byte) code);
        sum += code;
      }
      input.sums().setAtIndex(ValueLayout.JAVA_INT, token, sum);
      input.scales().setAtIndex(FLOAT, token, random.nextFloat());
    }
    return input;
  }

  private Trits trits(int rows, int columns, boolean extreme) {
    byte[][] trits = new byte[rows][columns];
    float[] scales = new float[rows];
    for (int row = 0; row < rows; row++) {
      scales[row] = random.nextFloat();
      for (int k = 0; k < columns; k++) {
        trits[row][k] = (byte) (extreme ? (row % 2 == 0 ? -1 : 1) : random.nextInt(-1, 2));
      }
    }
    return new Trits(trits, scales);
  }

  private record Trits(byte[][] trits, float[] scales) implements TernaryRows {
    @Override
    public int rows() {
      return trits.length;
    }

    @Override
    public int columns() {
      return trits[0].length;
    }

    @Override
    public float scale(int row) {
      return scales[row];
    }

    @Override
    public void unpack(int firstRow, int count, byte[] target) {
      for (int i = 0; i < count; i++) {
        System.arraycopy(trits[firstRow + i], 0, target, i * columns(), columns());
      }
    }
  }
}
