package bitnet.kernel;

import static bitnet.kernel.VectorShapes.INTS;
import static bitnet.kernel.VectorShapes.ORDER;
import static bitnet.kernel.VectorShapes.SHORTS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
final class VectorTernaryLookup extends VectorTernaryRows {
  private static final int LANES = 32;
  private static final int TRITS = 3;
  private static final int INDEX_BITS = 5;
  private static final int ZEROS = 13; // the index of three trits 0
  private static final int TABLES = 3;
  private static final int CHUNK_COLUMNS = TABLES * TRITS;
  private static final int CHUNK_SHORTS = TABLES * LANES;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  VectorTernaryLookup(Weights weights, ScratchBuffers scratch) {
    super(weights, CHUNK_COLUMNS, CHUNK_SHORTS, scratch);
  }

  /// Whether the vectors of this machine hold a table.
  static boolean isPossible() {
    return VectorShapes.SHORT_COUNT == LANES;
  }

  /// Whole chunks for a group of columns.
  static int paddedColumns(int groupColumns) {
    return Math.ceilDiv(groupColumns, CHUNK_COLUMNS) * CHUNK_COLUMNS;
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

  /// Writes the tables of a token.
  @Override
  void prepare(byte[] x, int columns, short[] prepared, int index, int place, int together) {
    ShortVector first = ShortVector.fromArray(SHORTS, Trits.FIRST, 0);
    ShortVector second = ShortVector.fromArray(SHORTS, Trits.SECOND, 0);
    ShortVector third = ShortVector.fromArray(SHORTS, Trits.THIRD, 0);
    int target = index + place * LANES;
    for (int k = 0; k < columns; k += TRITS, target += together * LANES) {
      first
          .mul(x[k])
          .add(second.mul(x[k + 1]))
          .add(third.mul(x[k + 2]))
          .intoArray(prepared, target);
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

  /// Lanes are shifted in pairs, since C2 has no constant shifts of 16 bits: what comes into a lane
  /// from above is above its index, and ignored.
  @Override
  void multiplyOne(long tile, long next, int firstChunk, int endChunk, short[] tables, int[] sums) {
    MemorySegment weights = tiles;
    ShortVector s0 = ShortVector.zero(SHORTS);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    for (int chunk = firstChunk; chunk < endChunk; chunk++) {
      long o = tile + chunk * CHUNK_BYTES;
      long p = next + chunk * CHUNK_BYTES;
      int t = chunk * CHUNK_SHORTS;
      IntVector i0 = IntVector.fromMemorySegment(INTS, weights, o, ORDER);
      IntVector i1 = IntVector.fromMemorySegment(INTS, weights, o + VECTOR_BYTES, ORDER);
      IntVector i2 = IntVector.fromMemorySegment(INTS, weights, p, ORDER);
      IntVector i3 = IntVector.fromMemorySegment(INTS, weights, p + VECTOR_BYTES, ORDER);
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

  @Override
  void multiplyFour(
      long tile, int firstChunk, int endChunk, short[] tables, int first, int[] sums, int sum) {
    MemorySegment weights = tiles;
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
      IntVector i0 = IntVector.fromMemorySegment(INTS, weights, o, ORDER);
      IntVector i1 = IntVector.fromMemorySegment(INTS, weights, o + VECTOR_BYTES, ORDER);
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
}
