package bitnet.kernel;

import static bitnet.kernel.VectorShapes.BYTES;
import static bitnet.kernel.VectorShapes.INTS;
import static bitnet.kernel.VectorShapes.ORDER;
import static bitnet.kernel.VectorShapes.SHORTS;
import static bitnet.kernel.VectorShapes.SHORT_COUNT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Ternary weights times 8-bit activations in 16-bit lanes, eight weights to a lane.
///
/// A lane of weights is `w = sum_j c[j] 4^j`, where the code c is the trit plus one, for eight
/// columns that lie a vector apart. Wanted is `sum_j c[j] x[j]`. Since
/// `c[j] = (w >>> 2j) - 4 (w >>> 2(j + 1))`, that is `sum_j (w >>> 2j) y[j]` with
/// `y[j] = x[j] - 4 x[j - 1]`: a shift, a product and a sum for each vector of weights, without
/// a mask. The terms overflow 16 bits, but modulo 2^16 the sum is right as long as it fits itself;
/// it starts from `-sum x`, so that it is a sum of `trit * x`, and is moved to 32 bits in time.
///
/// Shifts of 32-bit lanes are cheaper on x86, where C2 knows those by a constant. They move bits of
/// a pair's upper lane into the lower one; with a ninth term, `y[8] = -4 x[7]`, these cancel too.
final class VectorTernaryProduct {
  static final int ROWS_PER_TILE = 4;

  private static final int FIELDS = 8;
  private static final long VECTOR_BYTES = 2L * SHORT_COUNT;
  private static final int BLOCK = FIELDS * SHORT_COUNT;
  private static final int PREPARED_BLOCK = (FIELDS + 1) * SHORT_COUNT;
  private static final long TILE_BLOCK_BYTES = ROWS_PER_TILE * VECTOR_BYTES;

  /// Blocks before a sum must leave its 16 bits: eight products of at most 128 for each block.
  private static final int CHUNK = Short.MAX_VALUE / (FIELDS * 128);

  private static final int TOKENS = 4;
  private static final int ROW_GROUP = 64;
  private static final int FIELD_BITS = 2;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final TernaryMatrix weights;
  private final int blocks;
  private final int chunks;

  /// `[blocks, 9, tokens together, lanes]` y, then `[chunks, tokens together, lanes]` `-sum x`.
  private final short[] prepared;

  private final short[] lanes;
  private final int[] sums;

  VectorTernaryProduct(TernaryMatrix weights, ScratchBuffers scratch) {
    this.weights = weights;
    this.blocks = Math.ceilDiv(weights.inFeatures(), BLOCK);
    this.chunks = Math.ceilDiv(blocks, CHUNK);
    this.prepared = scratch.shorts(TOKENS * (blocks * PREPARED_BLOCK + chunks * SHORT_COUNT));
    this.lanes = scratch.shortSums(ROW_GROUP * TOKENS * SHORT_COUNT);
    this.sums = scratch.ints(ROW_GROUP * TOKENS);
  }

  static long tileBytes(int columns) {
    return Math.ceilDiv(columns, BLOCK) * TILE_BLOCK_BYTES;
  }

  /// Block after block, and in each the tile's rows.
  static void packTile(byte[] trits, int columns, MemorySegment tile) {
    long offset = 0;
    for (int first = 0; first < columns; first += BLOCK) {
      for (int row = 0; row < ROWS_PER_TILE; row++) {
        for (int lane = 0; lane < SHORT_COUNT; lane++, offset += 2) {
          int word = 0;
          for (int field = FIELDS - 1; field >= 0; field--) {
            int column = first + field * SHORT_COUNT + lane;
            int trit = column < columns ? trits[row * columns + column] : 0;
            word = word << FIELD_BITS | (trit + 1);
          }
          tile.set(SHORT, offset, (short) word);
        }
      }
    }
  }

  void multiply(
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    int byFours = VectorKernels.tokensByFours(tokens);
    int token = 0;
    while (token < tokens) {
      int together = token < byFours ? TOKENS : 1;
      int count = Math.min(together, tokens - token);
      for (int i = 0; i < count; i++) {
        prepare(input, token + i, i, together);
      }
      for (int row = firstRow; row < endRow; row += ROW_GROUP) {
        int end = Math.min(endRow, row + ROW_GROUP);
        Arrays.fill(sums, 0);
        if (together == 1) {
          sumOneToken(row, end);
        } else {
          sumFourTokens(row, end);
        }
        write(input, token, count, row, end, out, outStride);
      }
      token += count;
    }
  }

  /// Writes y and the sums of one of the tokens that are computed together.
  private void prepare(QuantizedActivations input, int token, int index, int together) {
    int step = together * SHORT_COUNT;
    int target = index * SHORT_COUNT;
    int corrections = target + blocks * together * PREPARED_BLOCK;
    for (int chunk = 0; chunk < chunks; chunk++) {
      ShortVector correction = ShortVector.zero(SHORTS);
      int end = Math.min(blocks, (chunk + 1) * CHUNK);
      for (int block = chunk * CHUNK; block < end; block++) {
        ShortVector before = ShortVector.zero(SHORTS);
        for (int field = 0; field < FIELDS; field++) {
          ShortVector x = load(input, token, block * BLOCK + field * SHORT_COUNT);
          x.sub(before.mul((short) 4)).intoArray(prepared, target);
          target += step;
          correction = correction.sub(x);
          before = x;
        }
        before.mul((short) -4).intoArray(prepared, target);
        target += step;
      }
      correction.intoArray(prepared, corrections + chunk * step);
    }
  }

  private static ShortVector load(QuantizedActivations input, int token, int column) {
    if (column >= input.stride()) {
      return ShortVector.zero(SHORTS);
    }
    long offset = (long) token * input.stride() + column;
    ByteVector bytes = ByteVector.fromMemorySegment(BYTES, input.values(), offset, ORDER);
    return (ShortVector) bytes.convertShape(VectorOperators.B2S, SHORTS, 0);
  }

  private void sumOneToken(int firstRow, int endRow) {
    long rowBytes = blocks * VECTOR_BYTES;
    for (int chunk = 0; chunk < chunks; chunk++) {
      int first = chunk * CHUNK;
      int count = Math.min(CHUNK, blocks - first);
      for (int row = firstRow; row < endRow; row += ROWS_PER_TILE) {
        long offset = row * rowBytes + first * TILE_BLOCK_BYTES;
        multiplyFourRows(offset, chunk, count, row - firstRow);
      }
      addLanes(endRow - firstRow);
    }
  }

  private void sumFourTokens(int firstRow, int endRow) {
    long rowBytes = blocks * VECTOR_BYTES;
    for (int chunk = 0; chunk < chunks; chunk++) {
      int first = chunk * CHUNK;
      int count = Math.min(CHUNK, blocks - first);
      for (int row = firstRow; row < endRow; row++) {
        int line = row % ROWS_PER_TILE;
        long offset = (row - line) * rowBytes + line * VECTOR_BYTES + first * TILE_BLOCK_BYTES;
        int index = (row - firstRow) * TOKENS;
        multiplyFourTokens(offset, chunk, count, index, FIELD_BITS);
      }
      addLanes((endRow - firstRow) * TOKENS);
    }
  }

  /// A chunk of a tile's four rows and one token.
  private void multiplyFourRows(long offset, int chunk, int count, int index) {
    MemorySegment tiles = weights.tiles();
    short[] y = prepared;
    ShortVector s0 =
        ShortVector.fromArray(SHORTS, y, blocks * PREPARED_BLOCK + chunk * SHORT_COUNT);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    int first = chunk * CHUNK * PREPARED_BLOCK;
    for (int block = 0; block < count; block++) {
      long o = offset + block * TILE_BLOCK_BYTES;
      int k = first + block * PREPARED_BLOCK;
      IntVector w0 = IntVector.fromMemorySegment(INTS, tiles, o, ORDER);
      IntVector w1 = IntVector.fromMemorySegment(INTS, tiles, o + VECTOR_BYTES, ORDER);
      IntVector w2 = IntVector.fromMemorySegment(INTS, tiles, o + 2 * VECTOR_BYTES, ORDER);
      IntVector w3 = IntVector.fromMemorySegment(INTS, tiles, o + 3 * VECTOR_BYTES, ORDER);
      ShortVector x = ShortVector.fromArray(SHORTS, y, k);
      s0 = s0.add(w0.reinterpretAsShorts().mul(x));
      s1 = s1.add(w1.reinterpretAsShorts().mul(x));
      s2 = s2.add(w2.reinterpretAsShorts().mul(x));
      s3 = s3.add(w3.reinterpretAsShorts().mul(x));
      for (int field = 1; field <= FIELDS; field++) {
        x = ShortVector.fromArray(SHORTS, y, k + field * SHORT_COUNT);
        w0 = w0.lanewise(VectorOperators.LSHR, FIELD_BITS);
        w1 = w1.lanewise(VectorOperators.LSHR, FIELD_BITS);
        w2 = w2.lanewise(VectorOperators.LSHR, FIELD_BITS);
        w3 = w3.lanewise(VectorOperators.LSHR, FIELD_BITS);
        s0 = s0.add(w0.reinterpretAsShorts().mul(x));
        s1 = s1.add(w1.reinterpretAsShorts().mul(x));
        s2 = s2.add(w2.reinterpretAsShorts().mul(x));
        s3 = s3.add(w3.reinterpretAsShorts().mul(x));
      }
    }
    store(s0, s1, s2, s3, index * SHORT_COUNT);
  }

  /// A chunk of one row and four tokens; here, with fewer shifts, 16-bit ones measured faster.
  ///
  /// @param shift always two; as a constant it measured slower
  private void multiplyFourTokens(long offset, int chunk, int count, int index, int shift) {
    MemorySegment tiles = weights.tiles();
    short[] y = prepared;
    int start = (blocks * PREPARED_BLOCK + chunk * SHORT_COUNT) * TOKENS;
    ShortVector s0 = ShortVector.fromArray(SHORTS, y, start);
    ShortVector s1 = ShortVector.fromArray(SHORTS, y, start + SHORT_COUNT);
    ShortVector s2 = ShortVector.fromArray(SHORTS, y, start + 2 * SHORT_COUNT);
    ShortVector s3 = ShortVector.fromArray(SHORTS, y, start + 3 * SHORT_COUNT);
    int first = chunk * CHUNK * PREPARED_BLOCK * TOKENS;
    for (int block = 0; block < count; block++) {
      long o = offset + block * TILE_BLOCK_BYTES;
      int k = first + block * PREPARED_BLOCK * TOKENS;
      ShortVector w = ShortVector.fromMemorySegment(SHORTS, tiles, o, ORDER);
      s0 = s0.add(w.mul(ShortVector.fromArray(SHORTS, y, k)));
      s1 = s1.add(w.mul(ShortVector.fromArray(SHORTS, y, k + SHORT_COUNT)));
      s2 = s2.add(w.mul(ShortVector.fromArray(SHORTS, y, k + 2 * SHORT_COUNT)));
      s3 = s3.add(w.mul(ShortVector.fromArray(SHORTS, y, k + 3 * SHORT_COUNT)));
      for (int field = 1; field < FIELDS; field++) {
        k += TOKENS * SHORT_COUNT;
        w = w.lanewise(VectorOperators.LSHR, shift);
        s0 = s0.add(w.mul(ShortVector.fromArray(SHORTS, y, k)));
        s1 = s1.add(w.mul(ShortVector.fromArray(SHORTS, y, k + SHORT_COUNT)));
        s2 = s2.add(w.mul(ShortVector.fromArray(SHORTS, y, k + 2 * SHORT_COUNT)));
        s3 = s3.add(w.mul(ShortVector.fromArray(SHORTS, y, k + 3 * SHORT_COUNT)));
      }
    }
    store(s0, s1, s2, s3, index * SHORT_COUNT);
  }

  private void store(ShortVector s0, ShortVector s1, ShortVector s2, ShortVector s3, int index) {
    s0.intoArray(lanes, index);
    s1.intoArray(lanes, index + SHORT_COUNT);
    s2.intoArray(lanes, index + 2 * SHORT_COUNT);
    s3.intoArray(lanes, index + 3 * SHORT_COUNT);
  }

  /// Adds the lanes of stored vectors to as many sums.
  private void addLanes(int count) {
    for (int i = 0; i < count; i++) {
      IntVector pairs = ShortVector.fromArray(SHORTS, lanes, i * SHORT_COUNT).reinterpretAsInts();
      IntVector high = pairs.lanewise(VectorOperators.ASHR, Short.SIZE);
      IntVector low =
          pairs
              .lanewise(VectorOperators.LSHL, Short.SIZE)
              .lanewise(VectorOperators.ASHR, Short.SIZE);
      sums[i] += low.add(high).reduceLanes(VectorOperators.ADD);
    }
  }

  private void write(
      QuantizedActivations input,
      int token,
      int count,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    int together = count == 1 ? 1 : TOKENS;
    for (int i = 0; i < count; i++) {
      float activationScale = input.scales().getAtIndex(FLOAT, token + i);
      for (int row = firstRow; row < endRow; row++) {
        float scale = weights.scales().getAtIndex(FLOAT, row);
        int sum = sums[(row - firstRow) * together + i];
        out.setAtIndex(FLOAT, (long) (token + i) * outStride + row, sum * activationScale * scale);
      }
    }
  }
}
