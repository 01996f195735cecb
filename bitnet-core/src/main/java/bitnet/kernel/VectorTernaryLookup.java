package bitnet.kernel;

import static bitnet.kernel.VectorShapes.FLOATS;
import static bitnet.kernel.VectorShapes.INTS;
import static bitnet.kernel.VectorShapes.ORDER;
import static bitnet.kernel.VectorShapes.SHORTS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Ternary weights times 8-bit activations by looking sums up, for vectors of 512 bits.
///
/// Three trits with their columns' activations make one of 27 sums, which fit the 32 lanes of a
/// vector: a table for each three columns of a token. A lane of weights is a row and holds three
/// indices of 5 bits, so that one permutation looks up the sums of 96 weights. A lane's sum leaves
/// its 16 bits in time.
///
/// An index is `sum_i (trit[i] + 1) 3^i`. Weights lie in tiles of 64 rows, chunk after chunk of
/// nine columns; columns that are missing in the last have the trit 0.
final class VectorTernaryLookup {
  static final int ROWS_PER_TILE = 64;

  private static final int LANES = 32;
  private static final int INT_LANES = LANES / 2;
  private static final int TRITS = 3;
  private static final int INDEX_BITS = 5;
  private static final int ZEROS = 13; // the index of three trits 0
  private static final int TABLES = 3;
  private static final int CHUNK_COLUMNS = TABLES * TRITS;
  private static final long VECTOR_BYTES = 2L * LANES;
  private static final long CHUNK_BYTES = ROWS_PER_TILE / LANES * VECTOR_BYTES;
  private static final int CHUNK_SHORTS = TABLES * LANES;

  /// Chunks before a sum must leave its 16 bits: three products of at most 128 for each table.
  private static final int BLOCK_CHUNKS = Short.MAX_VALUE / (CHUNK_COLUMNS * 128);

  /// Tiles that one token is multiplied with at once: two places of memory that are read ahead.
  private static final int TILES = 2;

  private static final int TOKENS = 4;
  private static final int TILE_SUMS = TOKENS * ROWS_PER_TILE;

  /// Rows whose sums stay in the first-level cache.
  private static final int ROW_GROUP = 8 * ROWS_PER_TILE;

  /// Tables of tokens that stay in the second-level cache, so that weights are read once for all.
  private static final int MOST_TABLE_BYTES = 1 << 19;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final TernaryMatrix weights;
  private final ScratchBuffers scratch;
  private final int chunks;

  VectorTernaryLookup(TernaryMatrix weights, ScratchBuffers scratch) {
    this.weights = weights;
    this.scratch = scratch;
    this.chunks = Math.ceilDiv(weights.inFeatures(), CHUNK_COLUMNS);
  }

  /// Whether the vectors of this machine hold a table.
  static boolean isPossible() {
    return VectorShapes.SHORT_COUNT == LANES;
  }

  static long tileBytes(int columns) {
    return Math.ceilDiv(columns, CHUNK_COLUMNS) * CHUNK_BYTES;
  }

  static void packTile(byte[] trits, int columns, MemorySegment tile) {
    int chunks = Math.ceilDiv(columns, CHUNK_COLUMNS);
    for (int row = 0; row < ROWS_PER_TILE; row++) {
      long offset = row / LANES * VECTOR_BYTES + (long) Short.BYTES * lane(row % LANES);
      for (int chunk = 0; chunk < chunks; chunk++) {
        int word = 0;
        for (int table = TABLES - 1; table >= 0; table--) {
          int column = chunk * CHUNK_COLUMNS + table * TRITS;
          word = word << INDEX_BITS | index(trits, row * columns, column, columns);
        }
        tile.set(SHORT, offset + chunk * CHUNK_BYTES, (short) word);
      }
    }
  }

  /// Sums of 16 bits become those of 32 as even and odd lanes, which are to be rows in order.
  private static int lane(int row) {
    return row < INT_LANES ? 2 * row : 2 * (row - INT_LANES) + 1;
  }

  private static int index(byte[] trits, int start, int column, int columns) {
    if (column + TRITS <= columns) {
      int index = start + column;
      return trits[index] + 3 * trits[index + 1] + 9 * trits[index + 2] + ZEROS;
    }
    int index = ZEROS;
    for (int i = 0, power = 1; column + i < columns; i++, power *= 3) {
      index += power * trits[start + column + i];
    }
    return index;
  }

  void multiply(
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    int byFours = VectorKernels.tokensByFours(tokens);
    int batch = Math.max(TOKENS, MOST_TABLE_BYTES / (chunks * CHUNK_SHORTS * 2) / TOKENS * TOKENS);
    for (int token = 0; token < byFours; token += batch) {
      int count = Math.min(batch, byFours - token);
      multiplyByFours(input, token, count, firstRow, endRow, out, outStride);
    }
    for (int token = byFours; token < tokens; token++) {
      multiplyOne(input, token, firstRow, endRow, out, outStride);
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
    short[] tables = scratch.shorts(fours * TOKENS * chunks * CHUNK_SHORTS);
    for (int i = 0; i < count; i++) {
      int first = (i / TOKENS * TOKENS * chunks * TABLES + i % TOKENS) * LANES;
      prepare(input, token + i, tables, first, TOKENS * LANES);
    }
    int[] sums = scratch.ints(fours * ROW_GROUP / ROWS_PER_TILE * TILE_SUMS);
    for (int row = firstRow; row < endRow; row += ROW_GROUP) {
      int end = Math.min(endRow, row + ROW_GROUP);
      int tiles = Math.ceilDiv(end - row, ROWS_PER_TILE);
      Arrays.fill(sums, 0, fours * tiles * TILE_SUMS, 0);
      for (int chunk = 0; chunk < chunks; chunk += BLOCK_CHUNKS) {
        int endChunk = Math.min(chunks, chunk + BLOCK_CHUNKS);
        for (int tile = 0; tile < tiles; tile++) {
          long index = tileStart(row + tile * ROWS_PER_TILE);
          for (int four = 0; four < fours; four++) {
            int table = four * TOKENS * chunks * CHUNK_SHORTS;
            int sum = (four * tiles + tile) * TILE_SUMS;
            lookUpFour(index, chunk, endChunk, tables, table, sums, sum);
          }
        }
      }
      for (int i = 0; i < count; i++) {
        int first = i / TOKENS * tiles * TILE_SUMS + i % TOKENS * ROWS_PER_TILE;
        write(input, token + i, sums, first, TILE_SUMS, row, end, out, outStride);
      }
    }
  }

  private void multiplyOne(
      QuantizedActivations input,
      int token,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    short[] tables = scratch.shorts(chunks * CHUNK_SHORTS);
    int[] sums = scratch.ints(TILES * ROWS_PER_TILE);
    prepare(input, token, tables, 0, LANES);
    for (int row = firstRow; row < endRow; row += TILES * ROWS_PER_TILE) {
      int end = Math.min(endRow, row + TILES * ROWS_PER_TILE);
      Arrays.fill(sums, 0, TILES * ROWS_PER_TILE, 0);
      long tile = tileStart(row);
      long next = end - row > ROWS_PER_TILE ? tileStart(row + ROWS_PER_TILE) : tile;
      for (int chunk = 0; chunk < chunks; chunk += BLOCK_CHUNKS) {
        lookUpOne(tile, next, chunk, Math.min(chunks, chunk + BLOCK_CHUNKS), tables, sums);
      }
      write(input, token, sums, 0, ROWS_PER_TILE, row, end, out, outStride);
    }
  }

  private long tileStart(int row) {
    return (long) (row / ROWS_PER_TILE) * chunks * CHUNK_BYTES;
  }

  /// Writes the tables of a token, so far apart, the first one at a place.
  private void prepare(
      QuantizedActivations input, int token, short[] tables, int index, int apart) {
    int length = chunks * CHUNK_COLUMNS;
    int columns = weights.inFeatures();
    byte[] x = scratch.bytes(length);
    long start = (long) token * input.stride();
    MemorySegment.copy(input.values(), ValueLayout.JAVA_BYTE, start, x, 0, columns);
    Arrays.fill(x, columns, length, (byte) 0);
    ShortVector first = ShortVector.fromArray(SHORTS, Trits.FIRST, 0);
    ShortVector second = ShortVector.fromArray(SHORTS, Trits.SECOND, 0);
    ShortVector third = ShortVector.fromArray(SHORTS, Trits.THIRD, 0);
    int target = index;
    for (int k = 0; k < length; k += TRITS, target += apart) {
      first.mul(x[k]).add(second.mul(x[k + 1])).add(third.mul(x[k + 2])).intoArray(tables, target);
    }
  }

  /// The trits of every index.
  private static final class Trits {
    static final short[] FIRST = digits(1);
    static final short[] SECOND = digits(3);
    static final short[] THIRD = digits(9);

    private static short[] digits(int power) {
      short[] digits = new short[LANES];
      for (int index = 0; index < LANES; index++) {
        digits[index] = (short) (index / power % 3 - 1);
      }
      return digits;
    }
  }

  /// Some chunks of two tiles, which may be the same, and one token. Lanes are shifted in pairs,
  /// since C2 has no constant shifts of 16 bits: what comes into a lane from above is above its
  /// index, and ignored.
  private void lookUpOne(
      long tile, long next, int firstChunk, int endChunk, short[] tables, int[] sums) {
    MemorySegment tiles = weights.tiles();
    ShortVector s0 = ShortVector.zero(SHORTS);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    for (int chunk = firstChunk; chunk < endChunk; chunk++) {
      long o = tile + chunk * CHUNK_BYTES;
      long p = next + chunk * CHUNK_BYTES;
      int t = chunk * CHUNK_SHORTS;
      IntVector i0 = IntVector.fromMemorySegment(INTS, tiles, o, ORDER);
      IntVector i1 = IntVector.fromMemorySegment(INTS, tiles, o + VECTOR_BYTES, ORDER);
      IntVector i2 = IntVector.fromMemorySegment(INTS, tiles, p, ORDER);
      IntVector i3 = IntVector.fromMemorySegment(INTS, tiles, p + VECTOR_BYTES, ORDER);
      for (int table = 0; table < TABLES; table++) {
        ShortVector x = ShortVector.fromArray(SHORTS, tables, t + table * LANES);
        s0 = s0.add(i0.reinterpretAsShorts().selectFrom(x));
        s1 = s1.add(i1.reinterpretAsShorts().selectFrom(x));
        s2 = s2.add(i2.reinterpretAsShorts().selectFrom(x));
        s3 = s3.add(i3.reinterpretAsShorts().selectFrom(x));
        i0 = i0.lanewise(VectorOperators.LSHR, INDEX_BITS);
        i1 = i1.lanewise(VectorOperators.LSHR, INDEX_BITS);
        i2 = i2.lanewise(VectorOperators.LSHR, INDEX_BITS);
        i3 = i3.lanewise(VectorOperators.LSHR, INDEX_BITS);
      }
    }
    addLanes(s0, sums, 0);
    addLanes(s1, sums, LANES);
    addLanes(s2, sums, 2 * LANES);
    addLanes(s3, sums, 3 * LANES);
  }

  /// Some chunks of a tile and four tokens.
  private void lookUpFour(
      long tile, int firstChunk, int endChunk, short[] tables, int first, int[] sums, int sum) {
    MemorySegment tiles = weights.tiles();
    ShortVector a0 = ShortVector.zero(SHORTS);
    ShortVector a1 = a0;
    ShortVector b0 = a0;
    ShortVector b1 = a0;
    ShortVector c0 = a0;
    ShortVector c1 = a0;
    ShortVector d0 = a0;
    ShortVector d1 = a0;
    for (int chunk = firstChunk; chunk < endChunk; chunk++) {
      long o = tile + chunk * CHUNK_BYTES;
      int t = first + chunk * CHUNK_SHORTS * TOKENS;
      IntVector i0 = IntVector.fromMemorySegment(INTS, tiles, o, ORDER);
      IntVector i1 = IntVector.fromMemorySegment(INTS, tiles, o + VECTOR_BYTES, ORDER);
      for (int table = 0; table < TABLES; table++, t += TOKENS * LANES) {
        ShortVector x = ShortVector.fromArray(SHORTS, tables, t);
        a0 = a0.add(i0.reinterpretAsShorts().selectFrom(x));
        a1 = a1.add(i1.reinterpretAsShorts().selectFrom(x));
        x = ShortVector.fromArray(SHORTS, tables, t + LANES);
        b0 = b0.add(i0.reinterpretAsShorts().selectFrom(x));
        b1 = b1.add(i1.reinterpretAsShorts().selectFrom(x));
        x = ShortVector.fromArray(SHORTS, tables, t + 2 * LANES);
        c0 = c0.add(i0.reinterpretAsShorts().selectFrom(x));
        c1 = c1.add(i1.reinterpretAsShorts().selectFrom(x));
        x = ShortVector.fromArray(SHORTS, tables, t + 3 * LANES);
        d0 = d0.add(i0.reinterpretAsShorts().selectFrom(x));
        d1 = d1.add(i1.reinterpretAsShorts().selectFrom(x));
        i0 = i0.lanewise(VectorOperators.LSHR, INDEX_BITS);
        i1 = i1.lanewise(VectorOperators.LSHR, INDEX_BITS);
      }
    }
    addLanes(a0, sums, sum);
    addLanes(a1, sums, sum + LANES);
    addLanes(b0, sums, sum + ROWS_PER_TILE);
    addLanes(b1, sums, sum + ROWS_PER_TILE + LANES);
    addLanes(c0, sums, sum + 2 * ROWS_PER_TILE);
    addLanes(c1, sums, sum + 2 * ROWS_PER_TILE + LANES);
    addLanes(d0, sums, sum + 3 * ROWS_PER_TILE);
    addLanes(d1, sums, sum + 3 * ROWS_PER_TILE + LANES);
  }

  /// Adds the even lanes to some sums and the odd ones to those behind them.
  private static void addLanes(ShortVector lanes, int[] sums, int index) {
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

  /// Writes a token's results.
  ///
  /// @param first the sum of the first row
  /// @param apart from a tile's sums to the next one's
  private void write(
      QuantizedActivations input,
      int token,
      int[] sums,
      int first,
      int apart,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    float activationScale = input.scales().getAtIndex(FLOAT, token);
    long line = (long) token * outStride;
    int index = first;
    for (int tile = firstRow; tile < endRow; tile += ROWS_PER_TILE, index += apart) {
      int end = Math.min(endRow, tile + ROWS_PER_TILE);
      int row = tile;
      for (; row + INT_LANES <= end; row += INT_LANES) {
        IntVector some = IntVector.fromArray(INTS, sums, index + row - tile);
        FloatVector scale =
            FloatVector.fromMemorySegment(
                FLOATS, weights.scales(), (long) row * Float.BYTES, ORDER);
        FloatVector floats = (FloatVector) some.convertShape(VectorOperators.I2F, FLOATS, 0);
        floats
            .mul(activationScale)
            .mul(scale)
            .intoMemorySegment(out, (line + row) * Float.BYTES, ORDER);
      }
      for (; row < end; row++) {
        float scale = weights.scales().getAtIndex(FLOAT, row);
        out.setAtIndex(FLOAT, line + row, sums[index + row - tile] * activationScale * scale);
      }
    }
  }
}
