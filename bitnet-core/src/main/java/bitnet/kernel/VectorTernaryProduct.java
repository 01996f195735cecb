package bitnet.kernel;

import static bitnet.kernel.VectorShapes.INTS;
import static bitnet.kernel.VectorShapes.ORDER;
import static bitnet.kernel.VectorShapes.SHORTS;
import static bitnet.kernel.VectorShapes.SHORT_COUNT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Ternary weights times 8-bit activations in 16-bit lanes, eight weights to a lane.
///
/// A lane of weights is `w = sum_j c[j] 4^j`, where the code c is the trit plus one, for eight
/// columns of a row. Wanted is `sum_j c[j] x[j]`. Since `c[j] = (w >>> 2j) - 4 (w >>> 2(j + 1))`,
/// that is `sum_j (w >>> 2j) y[j]` with `y[j] = x[j] - 4 x[j - 1]`: a shift, a product and a sum
/// for each vector of weights, without a mask. The terms overflow 16 bits, but modulo 2^16 the sum
/// is right as long as it fits itself; less `sum_j x[j]` it is the sum of `trit * x`.
///
/// Shifts of 32-bit lanes are cheaper on x86, where C2 knows those by a constant. They move bits of
/// a pair's upper lane into the lower one; with a ninth term, `y[8] = -4 x[7]`, these cancel too.
final class VectorTernaryProduct extends VectorTernaryRows {
  private static final int FIELDS = 8;
  private static final int FIELD_BITS = 2;

  /// What is prepared for a chunk, a vector each: y, its ninth term and, for the first chunk of a
  /// block, `-sum x` of the block.
  private static final int CHUNK_SHORTS = (FIELDS + 2) * SHORT_COUNT;

  private static final int CORRECTION = FIELDS + 1;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  VectorTernaryProduct(Weights weights, ScratchBuffers scratch) {
    super(weights, FIELDS, CHUNK_SHORTS, scratch);
  }

  static long tileBytes(int columns) {
    return Math.ceilDiv(columns, FIELDS) * CHUNK_BYTES;
  }

  static void packTile(byte[] trits, int columns, MemorySegment tile) {
    int chunks = Math.ceilDiv(columns, FIELDS);
    for (int row = 0; row < ROWS_PER_TILE; row++) {
      long offset = row / SHORT_COUNT * VECTOR_BYTES + (long) Short.BYTES * lane(row % SHORT_COUNT);
      for (int chunk = 0; chunk < chunks; chunk++) {
        int word = 0;
        for (int field = FIELDS - 1; field >= 0; field--) {
          int column = chunk * FIELDS + field;
          int trit = column < columns ? trits[row * columns + column] : 0;
          word = word << FIELD_BITS | (trit + 1);
        }
        tile.set(SHORT, offset + chunk * CHUNK_BYTES, (short) word);
      }
    }
  }

  @Override
  void prepare(byte[] x, int columns, short[] prepared, int index, int place, int together) {
    int apart = together * SHORT_COUNT;
    int target = index + place * SHORT_COUNT;
    int correction = target + CORRECTION * apart; // of the block
    int sum = 0;
    for (int first = 0; first < columns; first += FIELDS, target += apart) {
      if (first > 0 && first % (blockChunks * FIELDS) == 0) {
        ShortVector.broadcast(SHORTS, (short) -sum).intoArray(prepared, correction);
        correction = target + CORRECTION * apart;
        sum = 0;
      }
      int before = 0;
      for (int field = 0; field < FIELDS; field++, target += apart) {
        int value = x[first + field];
        ShortVector.broadcast(SHORTS, (short) (value - 4 * before)).intoArray(prepared, target);
        sum += value;
        before = value;
      }
      ShortVector.broadcast(SHORTS, (short) (-4 * before)).intoArray(prepared, target);
      target += apart;
    }
    ShortVector.broadcast(SHORTS, (short) -sum).intoArray(prepared, correction);
  }

  @Override
  void multiplyOne(
      long tile, long next, int firstChunk, int endChunk, short[] prepared, int[] sums) {
    MemorySegment weights = tiles;
    int start = firstChunk * CHUNK_SHORTS;
    ShortVector s0 = ShortVector.fromArray(SHORTS, prepared, start + CORRECTION * SHORT_COUNT);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    for (int chunk = firstChunk; chunk < endChunk; chunk++) {
      long o = tile + chunk * CHUNK_BYTES;
      long p = next + chunk * CHUNK_BYTES;
      int k = chunk * CHUNK_SHORTS;
      IntVector w0 = IntVector.fromMemorySegment(INTS, weights, o, ORDER);
      IntVector w1 = IntVector.fromMemorySegment(INTS, weights, o + VECTOR_BYTES, ORDER);
      IntVector w2 = IntVector.fromMemorySegment(INTS, weights, p, ORDER);
      IntVector w3 = IntVector.fromMemorySegment(INTS, weights, p + VECTOR_BYTES, ORDER);
      ShortVector y = ShortVector.fromArray(SHORTS, prepared, k);
      s0 = s0.add(w0.reinterpretAsShorts().mul(y));
      s1 = s1.add(w1.reinterpretAsShorts().mul(y));
      s2 = s2.add(w2.reinterpretAsShorts().mul(y));
      s3 = s3.add(w3.reinterpretAsShorts().mul(y));
      for (int field = 1; field <= FIELDS; field++) {
        y = ShortVector.fromArray(SHORTS, prepared, k + field * SHORT_COUNT);
        w0 = w0.lanewise(VectorOperators.LSHR, FIELD_BITS);
        w1 = w1.lanewise(VectorOperators.LSHR, FIELD_BITS);
        w2 = w2.lanewise(VectorOperators.LSHR, FIELD_BITS);
        w3 = w3.lanewise(VectorOperators.LSHR, FIELD_BITS);
        s0 = s0.add(w0.reinterpretAsShorts().mul(y));
        s1 = s1.add(w1.reinterpretAsShorts().mul(y));
        s2 = s2.add(w2.reinterpretAsShorts().mul(y));
        s3 = s3.add(w3.reinterpretAsShorts().mul(y));
      }
    }
    addLanes(s0, sums, 0);
    addLanes(s1, sums, SHORT_COUNT);
    addLanes(s2, sums, 2 * SHORT_COUNT);
    addLanes(s3, sums, 3 * SHORT_COUNT);
  }

  @Override
  void multiplyFour(
      long tile, int firstChunk, int endChunk, short[] prepared, int first, int[] sums, int sum) {
    for (int i = 0; i < ROWS_PER_TILE; i += SHORT_COUNT) {
      long offset = tile + (long) i * Short.BYTES;
      multiplyFour(offset, firstChunk, endChunk, prepared, first, sums, sum + i, FIELD_BITS);
    }
  }

  /// One vector of rows, since C2 unrolls no longer loop over the fields. Here, with fewer shifts,
  /// 16-bit ones measured faster, which need no ninth term.
  ///
  /// @param shift always two; as a constant it measured slower
  private void multiplyFour(
      long offset,
      int firstChunk,
      int endChunk,
      short[] prepared,
      int first,
      int[] sums,
      int sum,
      int shift) {
    MemorySegment weights = tiles;
    int start = first + (firstChunk * CHUNK_SHORTS + CORRECTION * SHORT_COUNT) * TOKENS;
    ShortVector a = ShortVector.fromArray(SHORTS, prepared, start);
    ShortVector b = ShortVector.fromArray(SHORTS, prepared, start + SHORT_COUNT);
    ShortVector c = ShortVector.fromArray(SHORTS, prepared, start + 2 * SHORT_COUNT);
    ShortVector d = ShortVector.fromArray(SHORTS, prepared, start + 3 * SHORT_COUNT);
    for (int chunk = firstChunk; chunk < endChunk; chunk++) {
      int k = first + chunk * CHUNK_SHORTS * TOKENS;
      ShortVector w =
          ShortVector.fromMemorySegment(SHORTS, weights, offset + chunk * CHUNK_BYTES, ORDER);
      a = a.add(w.mul(ShortVector.fromArray(SHORTS, prepared, k)));
      b = b.add(w.mul(ShortVector.fromArray(SHORTS, prepared, k + SHORT_COUNT)));
      c = c.add(w.mul(ShortVector.fromArray(SHORTS, prepared, k + 2 * SHORT_COUNT)));
      d = d.add(w.mul(ShortVector.fromArray(SHORTS, prepared, k + 3 * SHORT_COUNT)));
      for (int field = 1; field < FIELDS; field++) {
        k += TOKENS * SHORT_COUNT;
        w = w.lanewise(VectorOperators.LSHR, shift);
        a = a.add(w.mul(ShortVector.fromArray(SHORTS, prepared, k)));
        b = b.add(w.mul(ShortVector.fromArray(SHORTS, prepared, k + SHORT_COUNT)));
        c = c.add(w.mul(ShortVector.fromArray(SHORTS, prepared, k + 2 * SHORT_COUNT)));
        d = d.add(w.mul(ShortVector.fromArray(SHORTS, prepared, k + 3 * SHORT_COUNT)));
      }
    }
    addLanes(a, sums, sum);
    addLanes(b, sums, sum + ROWS_PER_TILE);
    addLanes(c, sums, sum + 2 * ROWS_PER_TILE);
    addLanes(d, sums, sum + 3 * ROWS_PER_TILE);
  }
}
