package bitnet.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every provider that runs on this machine, compared with the definition: bit for bit where
/// integers are summed, to a tolerance where floats are. Longer than other files, since all
/// functions of the interface go through the same providers.
@ParameterizedClass(name = "{0}")
@MethodSource("providers")
final class KernelAgreementTest {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final float UNTOUCHED = -12345;

  private final TernaryKernels kernels;
  private final TernaryKernels scalar = new ScalarKernels();
  private final SplittableRandom random = new SplittableRandom(7);
  private final Arena arena = Arena.ofShared();
  private final ThreadTeam team = new ThreadTeam(1);

  KernelAgreementTest(TernaryKernels kernels) {
    this.kernels = kernels;
  }

  /// All that can run here, a line each.
  static List<Named<TernaryKernels>> providers() {
    List<TernaryKernels> found = new ArrayList<>();
    found.add(new ScalarKernels());
    addNative(found);
    addVector(found);
    return found.stream().map(each -> Named.of(name(each), each)).toList();
  }

  /// The name, and how the vector provider multiplies, of which it has two ways.
  private static String name(TernaryKernels kernels) {
    return "%s, %d rows a tile".formatted(kernels.name(), kernels.rowsPerTile());
  }

  /// Every instruction set; none where the build found no C compiler.
  private static void addNative(List<TernaryKernels> found) {
    try {
      found.addAll(NativeKernels.openAll());
    } catch (KernelSelector.UnavailableException reason) {
      System.err.println("native: " + reason.getMessage());
    }
  }

  /// Where the JVM was started with the incubating module.
  private static void addVector(List<TernaryKernels> found) {
    try {
      found.add(VectorModule.open());
      if (VectorTernaryLookup.isPossible()) {
        found.add(new VectorKernels(false)); // what narrower vectors do
      }
    } catch (KernelSelector.UnavailableException reason) {
      System.err.println("vector: " + reason.getMessage());
    }
  }

  @AfterEach
  void close() {
    team.close();
    arena.close();
  }

  @Test
  void ternaryProductsAreExactForAllNumbersOfColumns() {
    for (int columns = 1; columns <= 300; columns++) {
      checkTernary(1 + columns * 7 % 71, columns, 1 + columns % 9, this::anyTrit, this::anyCode);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33})
  void ternaryProductsAreExactForAnyNumberOfTokens(int tokens) {
    for (int columns : new int[] {64, 250, 256, 257, 272, 530}) {
      checkTernary(67, columns, tokens, this::anyTrit, this::anyCode);
    }
  }

  /// Sums of the highest magnitude, long enough to overflow any narrow accumulator.
  @ParameterizedTest
  @CsvSource({"1, 127", "1, -128", "-1, 127", "-1, -128", "0, -128"})
  void ternaryProductsDoNotOverflow(int trit, int code) {
    for (int columns : new int[] {1024, 4096, 6912, 14_000}) {
      for (int tokens : new int[] {1, 5}) {
        checkTernary(33, columns, tokens, _ -> trit, _ -> code);
      }
    }
  }

  @Test
  void ternaryProductsAreExactWhereExtremesAlternate() {
    checkTernary(65, 14_001, 6, this::anyTrit, k -> k % 2 == 0 ? -128 : 127);
    checkTernary(65, 5_000, 1, k -> k % 3 == 0 ? -1 : 1, k -> k % 3 == 0 ? -128 : 127);
  }

  /// More than any provider computes in one go.
  @Test
  void ternaryProductsAreExactForManyRowsAndTokens() {
    checkTernary(1100, 40, 9, this::anyTrit, this::anyCode);
    checkTernary(1100, 40, 1, this::anyTrit, this::anyCode);
    checkTernary(70, 5_000, 13, this::anyTrit, this::anyCode);
    checkTernary(33, 100, 131, this::anyTrit, this::anyCode);
  }

  @Test
  void ternaryProductsOfARangeOfRowsLeaveTheOthersAlone() {
    int height = kernels.rowsPerTile();
    int rows = 5 * height + height / 2 + 1;
    byte[] trits = bytes(rows * 100, this::anyTrit);
    TernaryMatrix weights = pack(new DecoderBatch(rows, 100, trits));
    for (int tokens : new int[] {1, 6}) {
      QuantizedActivations input = activations(tokens, 100, this::anyCode);
      float[] expected = ternary(rows, 100, trits, input, tokens);
      for (int first = 0; first < rows; first += height) {
        for (int end = first + height; end < rows + height; end += height) {
          int last = Math.min(end, rows);
          MemorySegment out = untouched(tokens * (rows + 3));
          kernels.multiply(weights, input, tokens, first, last, out, rows + 3);
          checkRange(out, expected, tokens, rows, first, last);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"64, 64", "64, 192", "128, 128", "128, 640", "192, 384", "64, 1024", "512, 1024"})
  void productsWithGroupScalesInHalfAndInFullPrecisionAgreeWithTheirDefinition(
      int groupColumns, int columns) {
    for (int tokens : new int[] {1, 2, 3, 5, 17, 33, 131}) {
      for (int rows : new int[] {1, 31, 65, 130}) {
        checkGroups(rows, columns, groupColumns, true, tokens);
        checkGroups(rows, columns, groupColumns, false, tokens);
      }
    }
  }

  @Test
  void productsWithGroupScalesOfARangeOfRowsLeaveTheOthersAlone() {
    int height = kernels.rowsPerTile();
    int rows = 3 * height + height / 2 + 1;
    Groups weights = new Groups(rows, 192, 64, true, bytes(rows * 192, this::anyTrit));
    GroupTernaryMatrix matrix = GroupTernaryMatrix.pack(kernels, List.of(weights), arena, team);
    QuantizedActivations input = groupActivations(6, 192, 64);
    float[] expected = groups(weights, input, 6);
    for (int first = 0; first < rows; first += height) {
      int end = Math.min(rows, first + 2 * height);
      MemorySegment out = untouched(6 * (rows + 3));
      kernels.multiply(matrix, input, 6, first, end, out, rows + 3);
      for (int token = 0; token < 6; token++) {
        for (int row = 0; row < rows + 3; row++) {
          boolean inside = row >= first && row < end;
          float wanted = inside ? expected[token * rows + row] : UNTOUCHED;
          assertThat(out.getAtIndex(FLOAT, (long) token * (rows + 3) + row))
              .isCloseTo(wanted, within(1e-3f));
        }
      }
    }
  }

  private void checkGroups(int rows, int columns, int groupColumns, boolean half, int tokens) {
    Groups weights =
        new Groups(rows, columns, groupColumns, half, bytes(rows * columns, this::anyTrit));
    GroupTernaryMatrix matrix = GroupTernaryMatrix.pack(kernels, List.of(weights), arena, team);
    QuantizedActivations input = groupActivations(tokens, columns, groupColumns);
    MemorySegment out = untouched(tokens * (rows + 3));
    kernels.multiply(matrix, input, tokens, 0, rows, out, rows + 3);
    float[] expected = groups(weights, input, tokens);
    float largest = 0;
    for (float each : expected) {
      largest = Math.max(largest, Math.abs(each));
    }
    for (int token = 0; token < tokens; token++) {
      for (int row = 0; row < rows; row++) {
        assertThat(out.getAtIndex(FLOAT, (long) token * (rows + 3) + row))
            .isCloseTo(expected[token * rows + row], within(1e-6f * Math.max(1, largest)));
      }
      assertThat(out.getAtIndex(FLOAT, (long) token * (rows + 3) + rows)).isEqualTo(UNTOUCHED);
    }
  }

  /// Values of different sizes, quantized group by group.
  private QuantizedActivations groupActivations(int tokens, int columns, int groupColumns) {
    QuantizedActivations input = new QuantizedActivations(arena, tokens, columns, groupColumns);
    for (int token = 0; token < tokens; token++) {
      MemorySegment x = floats(columns, 2 + token);
      kernels.quantizeGroups(x, input, token);
    }
    return input;
  }

  private static float[] groups(Groups weights, QuantizedActivations x, int tokens) {
    int rows = weights.rows();
    int columns = weights.columns();
    int width = weights.groupColumns();
    float[] out = new float[tokens * rows];
    for (int token = 0; token < tokens; token++) {
      for (int row = 0; row < rows; row++) {
        double total = 0;
        for (int group = 0; group < columns / width; group++) {
          QuantizedActivations part = x.groups().get(group);
          int sum = 0;
          for (int k = 0; k < width; k++) {
            byte code = part.values().get(ValueLayout.JAVA_BYTE, (long) token * x.stride() + k);
            sum += weights.trits()[row * columns + group * width + k] * code;
          }
          double activationScale = part.scales().getAtIndex(FLOAT, token);
          total += sum * activationScale * weights.scale(row, group);
        }
        out[token * rows + row] = (float) total;
      }
    }
    return out;
  }

  /// Trits as plain bytes, with a scale for each group of columns.
  private record Groups(int rows, int columns, int groupColumns, boolean half, byte[] trits)
      implements TernaryRows {
    @Override
    public float scale(int row) {
      return scale(row, 0);
    }

    @Override
    public boolean isGrouped() {
      return true;
    }

    @Override
    public float scale(int row, int group) {
      float scale = 0.02f + row * 0.001f + group * 0.003f;
      if (row % 5 == 2) {
        scale = -scale;
      } else if (row % 7 == 3) {
        scale = 3e-6f; // below the normal numbers of half precision
      }
      return half ? Float.float16ToFloat(Float.floatToFloat16(scale)) : scale;
    }

    @Override
    public void unpack(int firstRow, int count, byte[] target) {
      System.arraycopy(trits, firstRow * columns, target, 0, count * columns);
    }
  }

  @Test
  void int8ProductsAreExactForAllNumbersOfColumns() {
    for (int columns = 1; columns <= 300; columns++) {
      checkInt8(1 + columns * 5 % 71, columns, 1 + columns % 9, columns % 11, this::anyCode);
    }
    checkInt8(19, 2560, 17, 0, this::anyCode);
  }

  /// More than any provider computes in one go, and longer rows than it may care to reorder.
  @Test
  void int8ProductsAreExactForManyRowsAndTokens() {
    checkInt8(101, 130, 35, 3, this::anyCode);
    checkInt8(64, 1000, 16, 0, this::anyCode);
    checkInt8(33, 4096, 5, 0, this::anyCode);
    checkInt8(33, 4097, 5, 0, this::anyCode);
  }

  @ParameterizedTest
  @ValueSource(ints = {-128, 127})
  void int8ProductsDoNotOverflow(int code) {
    for (int columns : new int[] {1000, 4096, 14_000}) {
      checkInt8(9, columns, 3, 0, _ -> code);
      checkInt8(32, columns, 3, 0, _ -> code);
    }
  }

  @Test
  void int8RowsAreStoredTheSame() {
    for (int columns = 1; columns <= 300; columns += 1 + columns / 20) {
      Int8Matrix expected = new Int8Matrix(3, columns, arena);
      Int8Matrix actual = new Int8Matrix(3, columns, arena);
      float[] values = floats(3 * columns, 2).toArray(FLOAT);
      Arrays.fill(values, columns, 2 * columns, 0);
      values[0] = 127;
      for (int k = 1; k < columns; k++) {
        values[k] = k % 5 == 0 ? k % 100 + 0.5f : values[k]; // ties
      }
      for (int row = 0; row < 3; row++) {
        expected.setRow(row, values, row * columns);
        kernels.setRow(actual, row, values, row * columns);
      }
      assertThat(actual.quantized().mismatch(expected.quantized())).isEqualTo(-1);
      assertThat(actual.scales().mismatch(expected.scales())).isEqualTo(-1);
      assertThat(actual.sums().mismatch(expected.sums())).isEqualTo(-1);
      values[columns - 1] = Float.NaN;
      assertThatThrownBy(() -> kernels.setRow(actual, 0, values, 0))
          .hasMessage("row 0 has a weight that is not finite");
    }
  }

  @Test
  void int4ProductsAgree() {
    for (int columns = 1; columns <= 300; columns += 7) {
      for (int tokens : new int[] {1, 2, 5, 9}) {
        checkInt4(1 + columns % 13, columns, tokens);
      }
    }
    checkInt4(11, 2560, 6);
  }

  @Test
  void floatProductsAgree() {
    for (int columns = 1; columns <= 300; columns += 7) {
      for (int tokens : new int[] {1, 2, 5, 9}) {
        checkFloat(1 + columns % 13, columns, tokens);
      }
    }
    checkFloat(11, 2560, 6);
  }

  @Test
  void quantizedActivationsAreTheSame() {
    for (int columns = 1; columns <= 300; columns++) {
      float scale = (float) Math.pow(10, columns % 9 - 4);
      checkQuantize(floats(columns, scale));
    }
    checkQuantize(arena.allocate(FLOAT, 77)); // zeros
  }

  /// A step of one: halves are ties and round to the even neighbour.
  @Test
  void quantizedTiesRoundToEven() {
    MemorySegment x = arena.allocate(FLOAT, 300);
    for (int k = 0; k < 300; k++) {
      x.setAtIndex(FLOAT, k, Math.clamp(k / 2f - 70, -127f, 127f));
    }
    x.setAtIndex(FLOAT, 250, -127f);
    checkQuantize(x);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void activationsThatAreNotFiniteAreRefused(float bad) {
    for (int place : new int[] {0, 5, 31, 40}) {
      MemorySegment x = floats(41, 1);
      x.setAtIndex(FLOAT, place, bad);
      QuantizedActivations target = new QuantizedActivations(arena, 1, 41);
      assertThatThrownBy(() -> kernels.quantize(x, target, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("not finite");
    }
  }

  @Test
  void normalizedValuesAgree() {
    for (int count = 1; count <= 300; count += 3) {
      MemorySegment x = floats(count, 3);
      MemorySegment gain = floats(count, 1);
      MemorySegment expected = arena.allocate(FLOAT, count);
      scalar.normalize(x, gain, count, 1e-5f, expected);
      kernels.normalize(x, gain, count, 1e-5f, x);
      checkClose(x, expected, count, 3e-6f);
    }
  }

  @Test
  void gatedValuesAgree() {
    for (int count = 1; count <= 300; count += 3) {
      MemorySegment gate = floats(count, 12);
      MemorySegment up = floats(count, 2);
      MemorySegment expected = arena.allocate(FLOAT, count);
      MemorySegment actual = arena.allocate(FLOAT, count);
      scalar.siluGate(gate, up, count, expected);
      kernels.siluGate(gate, up, count, actual);
      checkClose(actual, expected, count, 2e-6f);
      scalar.squaredReluGate(gate, up, count, expected);
      kernels.squaredReluGate(gate, up, count, gate);
      checkClose(gate, expected, count, 0);
    }
  }

  @Test
  void siluKeepsItsLimitsFarFromZero() {
    float[] far = {-1e30f, -300, -100, -88, -20, -1e-20f, 0, 1e-20f, 20, 88, 100, 300, 1e30f};
    MemorySegment gate = arena.allocateFrom(FLOAT, far);
    MemorySegment up = arena.allocate(FLOAT, far.length);
    for (int i = 0; i < far.length; i++) {
      up.setAtIndex(FLOAT, i, 1);
    }
    kernels.siluGate(gate, up, far.length, gate);
    for (int i = 0; i < far.length; i++) {
      double silu = far[i] / (1 + Math.exp(-(double) far[i]));
      assertThat((double) gate.getAtIndex(FLOAT, i))
          .as("silu(%s)", far[i])
          .isCloseTo(silu, within(1e-6 * Math.abs(silu) + 1e-7));
    }
  }

  @Test
  void rotatedHeadsAreTheSame() {
    for (int headDim = 2; headDim <= 140; headDim += 6) {
      MemorySegment cosines = floats(headDim / 2, 1);
      MemorySegment sines = floats(headDim / 2, 1);
      MemorySegment actual = floats(3 * headDim + 1, 1);
      MemorySegment expected = arena.allocate(FLOAT, 3 * headDim + 1).copyFrom(actual);
      scalar.rotate(expected, 3, cosines, sines, headDim);
      kernels.rotate(actual, 3, cosines, sines, headDim);
      assertThat(actual.toArray(FLOAT)).isEqualTo(expected.toArray(FLOAT));
    }
  }

  @Test
  void addedValuesAreTheSame() {
    for (int count = 1; count <= 100; count++) {
      MemorySegment x = floats(count, 1);
      MemorySegment actual = floats(count + 1, 3);
      MemorySegment expected = arena.allocate(FLOAT, count + 1).copyFrom(actual);
      scalar.add(x, count, expected);
      kernels.add(x, count, actual);
      assertThat(actual.toArray(FLOAT)).isEqualTo(expected.toArray(FLOAT));
    }
  }

  /// Every half, what lies between it and the next, ties among it, and what no half holds.
  @Test
  void halvesAreRoundedToEven() {
    float[] values = new float[4 << Short.SIZE];
    for (int half = 0; half < 1 << Short.SIZE; half++) {
      float value = Float.float16ToFloat((short) half);
      float next = Float.float16ToFloat((short) (half + 1));
      values[4 * half] = Float.isNaN(value) ? 1e9f : value;
      values[4 * half + 1] = Float.isFinite(value + next) ? (value + next) / 2 : -1e9f;
      values[4 * half + 2] = Math.nextUp(values[4 * half + 1]);
      values[4 * half + 3] = Math.nextDown(values[4 * half + 1]);
    }
    MemorySegment x = arena.allocateFrom(FLOAT, values);
    MemorySegment halves = arena.allocate(ValueLayout.JAVA_SHORT, values.length);
    kernels.toHalf(x, values.length, halves);
    for (int i = 0; i < values.length; i++) {
      assertThat(halves.getAtIndex(ValueLayout.JAVA_SHORT, i))
          .isEqualTo(Float.floatToFloat16(values[i]));
    }
    for (int count = 1; count < 40; count++) {
      halves.fill((byte) 7);
      kernels.toHalf(x, count, halves);
      assertThat(halves.getAtIndex(ValueLayout.JAVA_SHORT, count)).isEqualTo((short) 0x0707);
    }
  }

  @ParameterizedTest
  @EnumSource
  void attentionAgrees(CacheType type) {
    for (int headDim : new int[] {1, 4, 8, 20, 64, 100, 128, 136}) {
      for (int positions : new int[] {1, 2, 3, 7, 16, 65}) {
        for (int heads = 1; heads <= 5; heads++) {
          checkAttention(type, headDim, positions, heads);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void attentionDoesNotDependOnTheRowsBeside(CacheType type) {
    for (int headDim : new int[] {5, 64, 100, 128}) {
      for (int heads = 1; heads <= 5; heads++) {
        for (int count = 2; count <= 10; count++) {
          checkRowsTogether(type, headDim, heads, count);
        }
      }
    }
  }

  /// Scores a thousand apart: without subtracting the highest, the exponentials overflow.
  @ParameterizedTest
  @EnumSource
  void attentionToOneLoudPositionIsThatPosition(CacheType type) {
    MemorySegment queries = arena.allocate(FLOAT, 16);
    queries.setAtIndex(FLOAT, 3, 40);
    MemorySegment keys = cache(type, 30 * 16, k -> k == 17 * 16 + 3 ? 40 : 0);
    MemorySegment values = cache(type, 30 * 16, k -> Math.floorDiv(k, 16));
    MemorySegment out = arena.allocate(FLOAT, 16);
    MemorySegment scores = arena.allocate(FLOAT, 4 * 30);
    CachedKeysValues rows = new CachedKeysValues(keys, values, 30);
    AttentionQuery row = new AttentionQuery(queries, CachedKeysValues.NONE, rows, out);
    kernels.attend(List.of(row), new AttentionHeads(1, 16, type, 1), scores);
    for (int d = 0; d < 16; d++) {
      assertThat(out.getAtIndex(FLOAT, d)).isCloseTo(17f, within(1e-4f));
    }
  }

  private void checkTernary(
      int rows, int columns, int tokens, IntUnaryOperator trit, IntUnaryOperator code) {
    byte[] trits = bytes(rows * columns, trit);
    TernaryMatrix weights = pack(new DecoderBatch(rows, columns, trits));
    QuantizedActivations input = activations(tokens, columns, code);
    MemorySegment out = untouched(tokens * (rows + 3));
    kernels.multiply(weights, input, tokens, 0, rows, out, rows + 3);
    float[] expected = ternary(rows, columns, trits, input, tokens);
    checkRange(out, expected, tokens, rows, 0, rows);
  }

  private TernaryMatrix pack(DecoderBatch rows) {
    return TernaryMatrix.pack(kernels, List.of(rows), arena, team);
  }

  private static float[] ternary(
      int rows, int columns, byte[] trits, QuantizedActivations x, int tokens) {
    float[] out = new float[tokens * rows];
    for (int token = 0; token < tokens; token++) {
      byte[] codes = codes(x, token);
      float activationScale = x.scales().getAtIndex(FLOAT, token);
      for (int row = 0; row < rows; row++) {
        int sum = 0;
        for (int k = 0; k < columns; k++) {
          sum += trits[row * columns + k] * codes[k];
        }
        out[token * rows + row] = sum * activationScale * scale(row);
      }
    }
    return out;
  }

  private void checkInt8(int rows, int columns, int tokens, int firstRow, IntUnaryOperator code) {
    int first = Math.min(firstRow, rows - 1);
    Int8Matrix weights = new Int8Matrix(rows, columns, arena);
    for (int row = 0; row < rows; row++) {
      weights.setRow(row, floats(columns, 1).toArray(ValueLayout.JAVA_FLOAT), 0);
    }
    QuantizedActivations input = activations(tokens, columns, code);
    float[] expected = new float[tokens * rows];
    for (int token = 0; token < tokens; token++) {
      byte[] codes = codes(input, token);
      for (int row = 0; row < rows; row++) {
        int sum = 0;
        for (int k = 0; k < columns; k++) {
          long place = (long) row * weights.stride() + k;
          sum += weights.quantized().get(ValueLayout.JAVA_BYTE, place) * codes[k];
        }
        float activationScale = input.scales().getAtIndex(FLOAT, token);
        expected[token * rows + row] =
            sum * activationScale * weights.scales().getAtIndex(FLOAT, row);
      }
    }
    MemorySegment out = untouched(tokens * (rows + 3));
    kernels.multiply(weights, input, tokens, first, rows, out, rows + 3);
    checkRange(out, expected, tokens, rows, first, rows);
  }

  private void checkInt4(int rows, int columns, int tokens) {
    Int4Matrix weights = new Int4Matrix(rows, columns, arena);
    for (int row = 0; row < rows; row++) {
      weights.setRow(row, floats(columns, 1).toArray(ValueLayout.JAVA_FLOAT), 0);
    }
    QuantizedActivations input = activations(tokens, columns, this::anyCode);
    MemorySegment out = arena.allocate(FLOAT, (long) tokens * rows);
    MemorySegment expected = arena.allocate(FLOAT, (long) tokens * rows);
    kernels.multiply(weights, input, tokens, 0, rows, out, rows);
    scalar.multiply(weights, input, tokens, 0, rows, expected, rows);
    checkClose(out, expected, tokens * rows, 1e-5f);
  }

  private void checkFloat(int rows, int columns, int tokens) {
    FloatMatrix weights = new FloatMatrix(rows, columns, arena);
    weights.values().copyFrom(floats(rows * columns, 1));
    MemorySegment input = floats(tokens * columns, 1);
    MemorySegment out = arena.allocate(FLOAT, (long) tokens * rows);
    MemorySegment expected = arena.allocate(FLOAT, (long) tokens * rows);
    kernels.multiply(weights, input, tokens, 0, rows, out, rows);
    scalar.multiply(weights, input, tokens, 0, rows, expected, rows);
    checkClose(out, expected, tokens * rows, 1e-5f);
  }

  private void checkQuantize(MemorySegment x) {
    int columns = (int) (x.byteSize() / Float.BYTES);
    QuantizedActivations expected = new QuantizedActivations(arena, 3, columns);
    QuantizedActivations actual = new QuantizedActivations(arena, 3, columns);
    scalar.quantize(x, expected, 1);
    kernels.quantize(x, actual, 1);
    assertThat(actual.values().toArray(ValueLayout.JAVA_BYTE))
        .isEqualTo(expected.values().toArray(ValueLayout.JAVA_BYTE));
    assertThat(actual.scales().toArray(FLOAT)).isEqualTo(expected.scales().toArray(FLOAT));
    assertThat(actual.sums().toArray(ValueLayout.JAVA_INT))
        .isEqualTo(expected.sums().toArray(ValueLayout.JAVA_INT));
  }

  private void checkAttention(CacheType type, int headDim, int positions, int heads) {
    MemorySegment queries = floats(heads * headDim, 1);
    CachedKeysValues rows = anyCache(type, headDim, positions);
    MemorySegment out = arena.allocate(FLOAT, (long) heads * headDim);
    MemorySegment expected = arena.allocate(FLOAT, (long) heads * headDim);
    attend(kernels, type, heads, new AttentionQuery(queries, CachedKeysValues.NONE, rows, out));
    attend(scalar, type, heads, new AttentionQuery(queries, CachedKeysValues.NONE, rows, expected));
    checkClose(out, expected, heads * headDim, 1e-5f);
    MemorySegment divided = arena.allocate(FLOAT, (long) heads * headDim);
    for (int shared = 1; shared <= positions; shared += 1 + positions / 3) {
      long start = (long) shared * headDim * type.bytes();
      CachedKeysValues first = new CachedKeysValues(rows.keys(), rows.values(), shared);
      CachedKeysValues rest =
          new CachedKeysValues(
              rows.keys().asSlice(start), rows.values().asSlice(start), positions - shared);
      attend(kernels, type, heads, new AttentionQuery(queries, first, rest, divided));
      assertThat(divided.toArray(FLOAT)).isEqualTo(out.toArray(FLOAT));
    }
  }

  /// Rows of one sequence, two to four of them, of forks, and of strangers.
  private void checkRowsTogether(CacheType type, int headDim, int heads, int count) {
    CachedKeysValues prompt = anyCache(type, headDim, 19);
    CachedKeysValues other = anyCache(type, headDim, 5);
    CachedKeysValues answer = anyCache(type, headDim, 30);
    List<AttentionQuery> rows = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      CachedKeysValues shared = row == 5 ? other : row == 6 ? CachedKeysValues.NONE : prompt;
      boolean sameSequence = row % 7 < 2 + count % 3;
      CachedKeysValues own =
          sameSequence
              ? new CachedKeysValues(answer.keys(), answer.values(), 11 + row)
              : anyCache(type, headDim, 1 + row);
      MemorySegment queries = floats(heads * headDim, 1);
      rows.add(
          new AttentionQuery(queries, shared, own, arena.allocate(FLOAT, (long) heads * headDim)));
    }
    attend(kernels, type, heads, rows.toArray(AttentionQuery[]::new));
    for (AttentionQuery row : rows) {
      MemorySegment alone = arena.allocate(FLOAT, (long) heads * headDim);
      attend(
          kernels, type, heads, new AttentionQuery(row.queries(), row.shared(), row.own(), alone));
      assertThat(row.out().toArray(FLOAT)).isEqualTo(alone.toArray(FLOAT));
    }
  }

  private void attend(TernaryKernels by, CacheType type, int heads, AttentionQuery... rows) {
    int headDim = (int) (rows[0].queries().byteSize() / Float.BYTES / heads);
    int most = Stream.of(rows).mapToInt(AttentionQuery::positions).max().orElseThrow();
    int scores = most * Math.max(heads, TernaryKernels.HEADS_TOGETHER);
    AttentionHeads shape = new AttentionHeads(heads, headDim, type, 0.3f);
    by.attend(List.of(rows), shape, arena.allocate(FLOAT, scores));
  }

  private CachedKeysValues anyCache(CacheType type, int headDim, int positions) {
    int count = positions * headDim;
    return new CachedKeysValues(
        cache(type, count, _ -> (float) random.nextDouble(-2, 2)),
        cache(type, count, _ -> (float) random.nextDouble(-2, 2)),
        positions);
  }

  private interface Value {
    float at(int index);
  }

  private MemorySegment cache(CacheType type, int count, Value value) {
    MemorySegment cache = arena.allocate((long) count * type.bytes(), 64);
    for (int i = 0; i < count; i++) {
      switch (type) {
        case FP16 -> cache.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(value.at(i)));
        case FP32 -> cache.setAtIndex(FLOAT, i, value.at(i));
      }
    }
    return cache;
  }

  private QuantizedActivations activations(int tokens, int columns, IntUnaryOperator code) {
    QuantizedActivations input = new QuantizedActivations(arena, tokens, columns);
    for (int token = 0; token < tokens; token++) {
      int sum = 0;
      for (int k = 0; k < columns; k++) {
        byte each = (byte) code.applyAsInt(k);
        input.values().set(ValueLayout.JAVA_BYTE, (long) token * input.stride() + k, each);
        sum += each;
      }
      input.sums().setAtIndex(ValueLayout.JAVA_INT, token, sum);
      input.scales().setAtIndex(FLOAT, token, 0.013f + token * 0.0017f);
    }
    return input;
  }

  private static byte[] codes(QuantizedActivations input, int token) {
    long start = (long) token * input.stride();
    return input.values().asSlice(start, input.columns()).toArray(ValueLayout.JAVA_BYTE);
  }

  private MemorySegment untouched(int count) {
    float[] values = new float[count];
    Arrays.fill(values, UNTOUCHED);
    return arena.allocateFrom(FLOAT, values);
  }

  private MemorySegment floats(int count, float scale) {
    MemorySegment values = arena.allocate(FLOAT, count);
    for (int i = 0; i < count; i++) {
      values.setAtIndex(FLOAT, i, scale * (float) random.nextDouble(-1, 1));
    }
    return values;
  }

  private static byte[] bytes(int count, IntUnaryOperator value) {
    byte[] values = new byte[count];
    for (int i = 0; i < count; i++) {
      values[i] = (byte) value.applyAsInt(i);
    }
    return values;
  }

  private int anyTrit(int index) {
    return random.nextInt(-1, 2);
  }

  private int anyCode(int index) {
    return random.nextInt(-128, 128);
  }

  private static float scale(int row) {
    return 0.7f + row * 0.011f;
  }

  /// Equal floats in the range, `[tokens, rows + 3]` against `[tokens, rows]`, and none outside.
  private static void checkRange(
      MemorySegment out, float[] expected, int tokens, int rows, int first, int end) {
    float[] filled = new float[tokens * (rows + 3)];
    Arrays.fill(filled, UNTOUCHED);
    for (int token = 0; token < tokens; token++) {
      System.arraycopy(
          expected, token * rows + first, filled, token * (rows + 3) + first, end - first);
    }
    assertThat(out.toArray(FLOAT)).containsExactly(filled);
  }

  /// To a tolerance that is relative to the largest expected magnitude, for sums cancel.
  private static void checkClose(
      MemorySegment actual, MemorySegment expected, int count, float relative) {
    float largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, Math.abs(expected.getAtIndex(FLOAT, i)));
    }
    for (int i = 0; i < count; i++) {
      assertThat(actual.getAtIndex(FLOAT, i))
          .as("value %d of %d", i, count)
          .isCloseTo(expected.getAtIndex(FLOAT, i), within(relative * largest));
    }
  }

  /// Trits as plain bytes.
  private record DecoderBatch(int rows, int columns, byte[] trits) implements TernaryRows {
    @Override
    public float scale(int row) {
      return KernelAgreementTest.scale(row);
    }

    @Override
    public void unpack(int firstRow, int count, byte[] target) {
      System.arraycopy(trits, firstRow * columns, target, 0, count * columns);
    }
  }
}
