package bitnet.kernel;

import static bitnet.kernel.VectorShapes.FLOATS;
import static bitnet.kernel.VectorShapes.HALF_SHORTS;
import static bitnet.kernel.VectorShapes.INTS;
import static bitnet.kernel.VectorShapes.ORDER;
import static bitnet.kernel.VectorShapes.SHORT_COUNT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Ternary weights times 8-bit activations with a row of the weights in each 16-bit lane, so that
/// no sum crosses lanes. Subclasses say how a chunk of columns is multiplied.
///
/// Weights lie in tiles of two vectors of rows, chunk after chunk. Sums of some chunks, a block,
/// fit 16 bits; sums of a group of columns, which share a scale, are of 32 bits; results are
/// floats. A matrix with a scale for each row is one group.
abstract class VectorTernaryRows {
  static final int ROWS_PER_TILE = 2 * SHORT_COUNT;

  /// Tokens that are multiplied together, where there are enough.
  static final int TOKENS = 4;

  static final int INT_LANES = SHORT_COUNT / 2;
  static final long VECTOR_BYTES = (long) Short.BYTES * SHORT_COUNT;
  static final long CHUNK_BYTES = ROWS_PER_TILE / SHORT_COUNT * VECTOR_BYTES;

  /// The highest magnitude of an activation.
  static final int MOST = 128;

  /// Tiles that one token is multiplied with at once: two places of memory that are read ahead.
  private static final int TILES = 2;

  private static final int TILE_SUMS = TOKENS * ROWS_PER_TILE;

  /// Rows whose sums stay in the first-level cache.
  private static final int ROW_GROUP = 512;

  /// What was prepared of tokens stays in the second-level cache, so that weights are read once for
  /// all.
  private static final int MOST_PREPARED_BYTES = 1 << 19;

  private static final int HALF_MAGNITUDE = 0x7fff;
  private static final int HALF_SIGN = 0x8000;
  private static final int HALF_SHIFT = 13; // bits that a float's fraction is longer
  private static final float HALF_UNIT = 0x1p112f; // 2^(127 - 15), between the exponents' biases

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  final MemorySegment tiles;
  final ScratchBuffers scratch;

  /// Chunks of a group that are summed in 16 bits.
  final int blockChunks;

  private final int chunkColumns;
  private final int chunkShorts;
  private final int groupCount;
  private final int groupColumns;
  private final int groupChunks;
  private final int chunks;
  private final MemorySegment scales;
  private final boolean halfScales;
  private final float[] rowScales; // of a tile

  /// What is multiplied.
  ///
  /// @param tiles of whole rows
  /// @param scales fp32 `[rows]`, or fp16 `[tile, group, rowsPerTile]`
  /// @param halfScales whether these are fp16, and activations have a scale for each group too
  /// @param groupColumns columns that share a scale
  /// @param groupCount groups of a row
  record Weights(
      MemorySegment tiles,
      MemorySegment scales,
      boolean halfScales,
      int groupColumns,
      int groupCount) {

    static Weights of(TernaryMatrix matrix) {
      return new Weights(matrix.tiles(), matrix.scales(), false, matrix.inFeatures(), 1);
    }

    /// @param matrix in tiles of whole rows
    static Weights of(GroupTernaryMatrix matrix) {
      int columns = matrix.groupColumns();
      return new Weights(
          matrix.tiles(), matrix.scales(), true, columns, matrix.inFeatures() / columns);
    }
  }

  /// @param chunkColumns columns of a chunk, one short of a row
  /// @param chunkShorts what is prepared of a token for it
  VectorTernaryRows(Weights weights, int chunkColumns, int chunkShorts, ScratchBuffers scratch) {
    this.tiles = weights.tiles;
    this.scales = weights.scales;
    this.halfScales = weights.halfScales;
    this.groupColumns = weights.groupColumns;
    this.groupCount = weights.groupCount;
    this.chunkColumns = chunkColumns;
    this.chunkShorts = chunkShorts;
    this.blockChunks = Short.MAX_VALUE / (chunkColumns * MOST);
    this.groupChunks = Math.ceilDiv(groupColumns, chunkColumns);
    this.chunks = groupCount * groupChunks;
    this.scratch = scratch;
    this.rowScales = scratch.weights(ROWS_PER_TILE);
  }

  /// Where a row of a vector's rows lies in its lanes: sums of 16 bits become those of 32 as even
  /// and odd lanes, which are to be rows in order.
  static int lane(int row) {
    return row < INT_LANES ? 2 * row : 2 * (row - INT_LANES) + 1;
  }

  /// Prepares a token for some chunks.
  ///
  /// @param x the values of the chunks' columns, zeros where there are none
  /// @param columns whole chunks
  /// @param prepared receives the shorts of the chunks
  /// @param index where those of the first chunk begin
  /// @param place of the token among those that are multiplied together
  /// @param together tokens that are multiplied together, 1 or 4; they alternate
  abstract void prepare(
      byte[] x, int columns, short[] prepared, int index, int place, int together);

  /// Adds the sums of some chunks of two tiles, which may be the same, and one token.
  ///
  /// @param tile where the first tile begins
  /// @param next where the second one begins
  /// @param sums `[2, rowsPerTile]`
  abstract void multiplyOne(
      long tile, long next, int firstChunk, int endChunk, short[] prepared, int[] sums);

  /// Adds the sums of some chunks of a tile and four tokens.
  ///
  /// @param first where the tokens' shorts begin
  /// @param sum where the sums `[4, rowsPerTile]` begin
  abstract void multiplyFour(
      long tile, int firstChunk, int endChunk, short[] prepared, int first, int[] sums, int sum);

  /// See [TernaryKernels].
  final void multiply(
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    int byFours = VectorKernels.tokensByFours(tokens);
    int tokenBytes = chunks * chunkShorts * Short.BYTES;
    int batch = Math.max(TOKENS, MOST_PREPARED_BYTES / tokenBytes / TOKENS * TOKENS);
    for (int token = 0; token < byFours; token += batch) {
      int count = Math.min(batch, byFours - token);
      multiplyByFours(input, token, count, firstRow, endRow, out, outStride);
    }
    for (int token = byFours; token < tokens; token++) {
      multiplyOneByOne(input, token, firstRow, endRow, out, outStride);
    }
  }

  private void multiplyByFours(
      QuantizedActivations input,
      int token,
      int count,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    int fours = Math.ceilDiv(count, TOKENS);
    int fourShorts = TOKENS * chunks * chunkShorts;
    short[] prepared = scratch.shorts(fours * fourShorts);
    for (int i = 0; i < count; i++) {
      prepare(input, token + i, prepared, i / TOKENS * fourShorts, i % TOKENS, TOKENS);
    }
    int[] sums = scratch.ints(fours * ROW_GROUP / ROWS_PER_TILE * TILE_SUMS);
    float[] results = scratch.floatSums(sums.length);
    for (int row = firstRow; row < endRow; row += ROW_GROUP) {
      int end = Math.min(endRow, row + ROW_GROUP);
      int tileCount = Math.ceilDiv(end - row, ROWS_PER_TILE);
      for (int group = 0; group < groupCount; group++) {
        sumGroup(group, row, tileCount, fours, prepared, sums);
        for (int tile = 0; tile < tileCount; tile++) {
          readScales(group, row + tile * ROWS_PER_TILE);
          for (int i = 0; i < count; i++) {
            int index = (i / TOKENS * tileCount + tile) * TILE_SUMS + i % TOKENS * ROWS_PER_TILE;
            scale(group, activationScale(input, group, token + i), sums, results, index);
          }
        }
      }
      for (int tile = 0; tile < tileCount; tile++) {
        for (int i = 0; i < count; i++) {
          int index = (i / TOKENS * tileCount + tile) * TILE_SUMS + i % TOKENS * ROWS_PER_TILE;
          long line = (long) (token + i) * outStride;
          write(results, index, row + tile * ROWS_PER_TILE, end, out, line);
        }
      }
    }
  }

  private void sumGroup(
      int group, int row, int tileCount, int fours, short[] prepared, int[] sums) {
    Arrays.fill(sums, 0, fours * tileCount * TILE_SUMS, 0);
    int end = (group + 1) * groupChunks;
    for (int chunk = group * groupChunks; chunk < end; chunk += blockChunks) {
      int endChunk = Math.min(end, chunk + blockChunks);
      for (int tile = 0; tile < tileCount; tile++) {
        long start = tileStart(row + tile * ROWS_PER_TILE);
        for (int four = 0; four < fours; four++) {
          int first = four * TOKENS * chunks * chunkShorts;
          int sum = (four * tileCount + tile) * TILE_SUMS;
          multiplyFour(start, chunk, endChunk, prepared, first, sums, sum);
        }
      }
    }
  }

  private void multiplyOneByOne(
      QuantizedActivations input,
      int token,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    short[] prepared = scratch.shorts(chunks * chunkShorts);
    int[] sums = scratch.ints(TILES * ROWS_PER_TILE);
    float[] results = scratch.floatSums(TILES * ROWS_PER_TILE);
    prepare(input, token, prepared, 0, 0, 1);
    for (int row = firstRow; row < endRow; row += TILES * ROWS_PER_TILE) {
      int end = Math.min(endRow, row + TILES * ROWS_PER_TILE);
      int second = end - row > ROWS_PER_TILE ? row + ROWS_PER_TILE : row;
      for (int group = 0; group < groupCount; group++) {
        Arrays.fill(sums, 0, TILES * ROWS_PER_TILE, 0);
        int endOfGroup = (group + 1) * groupChunks;
        for (int chunk = group * groupChunks; chunk < endOfGroup; chunk += blockChunks) {
          int endChunk = Math.min(endOfGroup, chunk + blockChunks);
          multiplyOne(tileStart(row), tileStart(second), chunk, endChunk, prepared, sums);
        }
        float scale = activationScale(input, group, token);
        readScales(group, row);
        scale(group, scale, sums, results, 0);
        if (second > row) {
          readScales(group, second);
          scale(group, scale, sums, results, ROWS_PER_TILE);
        }
      }
      long line = (long) token * outStride;
      write(results, 0, row, end, out, line);
      if (second > row) {
        write(results, ROWS_PER_TILE, second, end, out, line);
      }
    }
  }

  private long tileStart(int row) {
    return (long) (row / ROWS_PER_TILE) * chunks * CHUNK_BYTES;
  }

  private void prepare(
      QuantizedActivations input, int token, short[] prepared, int start, int place, int together) {
    int columns = groupChunks * chunkColumns;
    byte[] x = scratch.bytes(columns);
    Arrays.fill(x, groupColumns, columns, (byte) 0);
    for (int group = 0; group < groupCount; group++) {
      long first = (long) token * input.stride() + (long) group * groupColumns;
      MemorySegment.copy(input.values(), ValueLayout.JAVA_BYTE, first, x, 0, groupColumns);
      int index = start + group * groupChunks * chunkShorts * together;
      prepare(x, columns, prepared, index, place, together);
    }
  }

  private float activationScale(QuantizedActivations input, int group, int token) {
    return halfScales
        ? input.groupScales().getAtIndex(FLOAT, (long) group * input.groupCapacity() + token)
        : input.scales().getAtIndex(FLOAT, token);
  }

  /// Adds the even lanes to some sums and the odd ones to those behind them.
  static void addLanes(ShortVector lanes, int[] sums, int index) {
    IntVector pairs = lanes.reinterpretAsInts();
    pairs
        .lanewise(VectorOperators.LSHL, Short.SIZE)
        .lanewise(VectorOperators.ASHR, Short.SIZE)
        .add(IntVector.fromArray(INTS, sums, index))
        .intoArray(sums, index);
    pairs
        .lanewise(VectorOperators.ASHR, Short.SIZE)
        .add(IntVector.fromArray(INTS, sums, index + INT_LANES))
        .intoArray(sums, index + INT_LANES);
  }

  /// Reads the scales of a tile's rows for [#scale].
  private void readScales(int group, int row) {
    if (!halfScales) {
      MemorySegment.copy(scales, FLOAT, (long) row * Float.BYTES, rowScales, 0, ROWS_PER_TILE);
      return;
    }
    long index = ((long) row / ROWS_PER_TILE * groupCount + group) * ROWS_PER_TILE;
    for (int i = 0; i < ROWS_PER_TILE; i += INT_LANES) {
      IntVector halves =
          (IntVector)
              ShortVector.fromMemorySegment(HALF_SHORTS, scales, (index + i) * Short.BYTES, ORDER)
                  .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
      FloatVector magnitude =
          halves
              .and(HALF_MAGNITUDE)
              .lanewise(VectorOperators.LSHL, HALF_SHIFT)
              .reinterpretAsFloats();
      IntVector sign = halves.and(HALF_SIGN).lanewise(VectorOperators.LSHL, Short.SIZE);
      magnitude
          .mul(HALF_UNIT)
          .reinterpretAsInts()
          .or(sign)
          .reinterpretAsFloats()
          .intoArray(rowScales, i);
    }
  }

  /// Scales the sums of a tile and token; the first group's begin the results, the others are
  // added.
  private void scale(int group, float activationScale, int[] sums, float[] results, int index) {
    for (int i = 0; i < ROWS_PER_TILE; i += INT_LANES) {
      FloatVector some =
          ((FloatVector)
                  IntVector.fromArray(INTS, sums, index + i)
                      .convertShape(VectorOperators.I2F, FLOATS, 0))
              .mul(activationScale)
              .mul(FloatVector.fromArray(FLOATS, rowScales, i));
      if (group > 0) {
        some = FloatVector.fromArray(FLOATS, results, index + i).add(some);
      }
      some.intoArray(results, index + i);
    }
  }

  private static void write(
      float[] results, int index, int row, int endRow, MemorySegment out, long line) {
    int count = Math.min(ROWS_PER_TILE, endRow - row);
    MemorySegment.copy(results, index, out, FLOAT, (line + row) * Float.BYTES, count);
  }
}
