package bitnet.kernel;

import static bitnet.kernel.VectorShapes.FLOATS;
import static bitnet.kernel.VectorShapes.FLOAT_COUNT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Attention of the query heads that share a key/value head: keys and values become floats a few
/// positions at a time, once for all heads.
final class VectorAttention {
  private static final int POSITIONS = 32;
  private static final int TOGETHER = 4;
  private static final int PAIR = 2 * FLOAT_COUNT;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final int heads;
  private final int headDim;
  private final CacheType type;
  private final float scale;

  /// `headDim`, rounded up to whole pairs of vectors: lines are padded with zeros.
  private final int line;

  private final float[] block;
  private final float[] headLines;
  private final float[] scores;
  private final short[] halves;

  VectorAttention(AttentionHeads shape, ScratchBuffers scratch) {
    this.heads = shape.count();
    this.headDim = shape.headDim();
    this.type = shape.type();
    this.scale = shape.scale();
    this.line = Math.ceilDiv(headDim, PAIR) * PAIR;
    this.block = scratch.weights(POSITIONS * line);
    this.headLines = scratch.inputs(heads * line);
    this.scores = scratch.floatSums(POSITIONS);
    this.halves = scratch.shorts(POSITIONS * headDim);
  }

  void attend(AttentionQuery row, MemorySegment allScores) {
    CachedKeysValues shared = row.shared();
    CachedKeysValues own = row.own();
    int positions = row.positions();
    for (int head = 0; head < heads; head++) {
      readFloats(row.queries(), head, headLines, head * line);
    }
    scoreAll(shared, 0, positions, allScores);
    scoreAll(own, shared.positions(), positions, allScores);
    for (int head = 0; head < heads; head++) {
      VectorActivations.softmax(allScores, (long) head * positions, positions);
    }
    Arrays.fill(headLines, 0, heads * line, 0);
    addAll(shared, 0, positions, allScores);
    addAll(own, shared.positions(), positions, allScores);
    for (int head = 0; head < heads; head++) {
      long index = (long) head * headDim * Float.BYTES;
      MemorySegment.copy(headLines, head * line, row.out(), FLOAT, index, headDim);
    }
  }

  /// The scores of some of all positions, which begin at `start`.
  private void scoreAll(CachedKeysValues rows, int start, int all, MemorySegment allScores) {
    for (int first = 0; first < rows.positions(); first += POSITIONS) {
      int count = Math.min(POSITIONS, rows.positions() - first);
      read(rows.keys(), first, count);
      for (int head = 0; head < heads; head++) {
        for (int p = 0; p < count; p += TOGETHER) {
          score(head * line, p);
        }
        long index = ((long) head * all + start + first) * Float.BYTES;
        MemorySegment.copy(scores, 0, allScores, FLOAT, index, count);
      }
    }
  }

  /// Adds the values of some of all positions, which begin at `start`.
  private void addAll(CachedKeysValues rows, int start, int all, MemorySegment allScores) {
    for (int first = 0; first < rows.positions(); first += POSITIONS) {
      int count = Math.min(POSITIONS, rows.positions() - first);
      read(rows.values(), first, count);
      for (int head = 0; head < heads; head++) {
        long index = ((long) head * all + start + first) * Float.BYTES;
        MemorySegment.copy(allScores, FLOAT, index, scores, 0, count);
        add(count, head * line);
      }
    }
  }

  /// Makes some positions of the cache floats, a line each.
  private void read(MemorySegment cache, int first, int count) {
    switch (type) {
      case FP16 -> {
        long offset = (long) first * headDim * Short.BYTES;
        MemorySegment.copy(cache, SHORT, offset, halves, 0, count * headDim);
        for (int p = 0; p < count; p++) {
          widen(halves, p * headDim, headDim, block, p * line);
          Arrays.fill(block, p * line + headDim, (p + 1) * line, 0);
        }
      }
      case FP32 -> {
        for (int p = 0; p < count; p++) {
          readFloats(cache, first + p, block, p * line);
        }
      }
    }
  }

  /// C2 has an instruction for several of these at once, the Vector API a dozen.
  private static void widen(short[] halves, int from, int count, float[] floats, int to) {
    for (int i = 0; i < count; i++) {
      floats[to + i] = Float.float16ToFloat(halves[from + i]);
    }
  }

  private void readFloats(MemorySegment source, int index, float[] target, int targetIndex) {
    long offset = (long) index * headDim * Float.BYTES;
    MemorySegment.copy(source, FLOAT, offset, target, targetIndex, headDim);
    Arrays.fill(target, targetIndex + headDim, targetIndex + line, 0);
  }

  /// The scores of a query and four positions of the block; the last may be out of range.
  private void score(int query, int position) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int key = position * line;
    for (int d = 0; d < line; d += FLOAT_COUNT) {
      FloatVector q = FloatVector.fromArray(FLOATS, headLines, query + d);
      s0 = q.fma(FloatVector.fromArray(FLOATS, block, key + d), s0);
      s1 = q.fma(FloatVector.fromArray(FLOATS, block, key + line + d), s1);
      s2 = q.fma(FloatVector.fromArray(FLOATS, block, key + 2 * line + d), s2);
      s3 = q.fma(FloatVector.fromArray(FLOATS, block, key + 3 * line + d), s3);
    }
    scores[position] = scale * VectorShapes.sum(s0);
    scores[position + 1] = scale * VectorShapes.sum(s1);
    scores[position + 2] = scale * VectorShapes.sum(s2);
    scores[position + 3] = scale * VectorShapes.sum(s3);
  }

  /// Adds the block's values, each times its score, to a head's line.
  private void add(int count, int head) {
    for (int d = 0; d < line; d += PAIR) {
      FloatVector s0 = FloatVector.fromArray(FLOATS, headLines, head + d);
      FloatVector s1 = FloatVector.fromArray(FLOATS, headLines, head + d + FLOAT_COUNT);
      for (int p = 0; p < count; p++) {
        FloatVector weight = FloatVector.broadcast(FLOATS, scores[p]);
        s0 = weight.fma(FloatVector.fromArray(FLOATS, block, p * line + d), s0);
        s1 = weight.fma(FloatVector.fromArray(FLOATS, block, p * line + d + FLOAT_COUNT), s1);
      }
      s0.intoArray(headLines, head + d);
      s1.intoArray(headLines, head + d + FLOAT_COUNT);
    }
  }
}
