package bitnet.kernel;

import static bitnet.kernel.VectorShapes.BYTES;
import static bitnet.kernel.VectorShapes.FLOATS;
import static bitnet.kernel.VectorShapes.ORDER;
import static bitnet.kernel.VectorShapes.SHORTS;
import static bitnet.kernel.VectorShapes.SHORT_COUNT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// 4-bit weights times 8-bit activations: a byte `b = low + 16 high` of a group serves two
/// columns, and `low x0 + high x1 = b x0 + (b >>> 4) (x1 - 16 x0)`; modulo 2^16 it is right as in
/// [VectorTernaryProduct], which also says why shifts are those of 32-bit lanes.
final class VectorInt4Product {
  private static final int HALF = Int4Matrix.GROUP / 2;
  private static final int BIAS = 8;
  private static final int NIBBLE_BITS = 4;
  private static final int NIBBLE = 15;

  /// Shorts of a prepared group: x0, then `x1 - 16 x0`, then what the bias of the nibbles adds.
  private static final int GROUP_SHORTS = 2 * HALF + SHORT_COUNT;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final Int4Matrix weights;
  private final int groups;
  private final short[] prepared;

  VectorInt4Product(Int4Matrix weights, ScratchBuffers scratch) {
    this.weights = weights;
    this.groups = weights.groups();
    this.prepared = scratch.shorts(groups * GROUP_SHORTS);
  }

  void multiply(
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    for (int token = 0; token < tokens; token++) {
      prepare(input, token);
      float activationScale = input.scales().getAtIndex(FLOAT, token);
      for (int row = firstRow; row < endRow; row++) {
        float total = sumRow((long) row * groups);
        out.setAtIndex(FLOAT, (long) token * outStride + row, activationScale * total);
      }
    }
  }

  private void prepare(QuantizedActivations input, int token) {
    for (int group = 0; group < groups; group++) {
      long offset = (long) token * input.stride() + (long) group * Int4Matrix.GROUP;
      int index = group * GROUP_SHORTS;
      ShortVector sum = ShortVector.zero(SHORTS);
      for (int i = 0; i < HALF; i += SHORT_COUNT) {
        ShortVector x0 = load(input.values(), offset + i);
        ShortVector x1 = load(input.values(), offset + HALF + i);
        x0.intoArray(prepared, index + i);
        x1.sub(x0.mul((short) 16)).intoArray(prepared, index + HALF + i);
        sum = sum.add(x0).add(x1);
      }
      sum.mul((short) -BIAS).intoArray(prepared, index + 2 * HALF);
    }
  }

  private static ShortVector load(MemorySegment bytes, long offset) {
    ByteVector loaded = ByteVector.fromMemorySegment(BYTES, bytes, offset, ORDER);
    return (ShortVector) loaded.convertShape(VectorOperators.B2S, SHORTS, 0);
  }

  /// A row's sum over its groups.
  ///
  /// @param firstGroup the row's first in the matrix
  private float sumRow(long firstGroup) {
    MemorySegment nibbles = weights.nibbles();
    MemorySegment scales = weights.scales();
    short[] x = prepared;
    FloatVector low = FloatVector.zero(FLOATS);
    FloatVector high = low;
    for (int group = 0; group < groups; group++) {
      int index = group * GROUP_SHORTS;
      long offset = (firstGroup + group) * HALF;
      ShortVector sum = ShortVector.fromArray(SHORTS, x, index + 2 * HALF);
      for (int i = 0; i < HALF; i += SHORT_COUNT) {
        ByteVector bytes = ByteVector.fromMemorySegment(BYTES, nibbles, offset + i, ORDER);
        ShortVector pair =
            (ShortVector) bytes.convertShape(VectorOperators.ZERO_EXTEND_B2S, SHORTS, 0);
        sum = sum.add(pair.mul(ShortVector.fromArray(SHORTS, x, index + i)));
        ShortVector top =
            pair.reinterpretAsInts()
                .lanewise(VectorOperators.LSHR, NIBBLE_BITS)
                .reinterpretAsShorts()
                .and((short) NIBBLE);
        sum = sum.add(top.mul(ShortVector.fromArray(SHORTS, x, index + HALF + i)));
      }
      float scale = scales.get(FLOAT, (firstGroup + group) * Float.BYTES);
      FloatVector factor = FloatVector.broadcast(FLOATS, scale);
      IntVector pairs = sum.reinterpretAsInts();
      IntVector odd = pairs.lanewise(VectorOperators.ASHR, Short.SIZE);
      IntVector even =
          pairs
              .lanewise(VectorOperators.LSHL, Short.SIZE)
              .lanewise(VectorOperators.ASHR, Short.SIZE);
      low = ((FloatVector) even.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(factor, low);
      high = ((FloatVector) odd.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(factor, high);
    }
    return VectorShapes.sum(low.add(high));
  }
}
