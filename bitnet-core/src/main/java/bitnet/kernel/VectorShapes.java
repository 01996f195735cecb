package bitnet.kernel;

import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// The vectors of this machine: all of one width, between 128 and 512 bits. C2 makes
/// instructions of operations only where the species is a constant, so everybody uses these.
final class VectorShapes {
  private static final int WIDEST = 512;
  private static final VectorShape SHAPE = VectorShape.forBitSize(bits());

  static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, SHAPE);
  static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, SHAPE);
  static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, SHAPE);
  static final VectorSpecies<Double> DOUBLES = VectorSpecies.of(double.class, SHAPE);

  /// As many bytes as [#SHORTS] has shorts, as many floats as [#DOUBLES] has doubles: what is
  /// widened is loaded so, since widening the upper half of a whole vector takes a dozen
  /// instructions.
  static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(bits() / 2));

  /// Half as many shorts as [#SHORTS] has, as many as [#INTS] has ints.
  static final VectorSpecies<Short> HALF_SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(bits() / 2));

  static final VectorSpecies<Float> HALF_FLOATS =
      VectorSpecies.of(float.class, VectorShape.forBitSize(bits() / 2));

  static final int SHORT_COUNT = SHORTS.length();
  static final int FLOAT_COUNT = FLOATS.length();
  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private static final VectorShuffle<Float> FLOATS_BY_8 = VectorShuffle.iota(FLOATS, 8, 1, true);
  private static final VectorShuffle<Float> FLOATS_BY_4 = VectorShuffle.iota(FLOATS, 4, 1, true);
  private static final VectorShuffle<Float> FLOATS_BY_2 = VectorShuffle.iota(FLOATS, 2, 1, true);
  private static final VectorShuffle<Float> FLOATS_BY_1 = VectorShuffle.iota(FLOATS, 1, 1, true);
  private static final VectorShuffle<Double> DOUBLES_BY_4 = VectorShuffle.iota(DOUBLES, 4, 1, true);
  private static final VectorShuffle<Double> DOUBLES_BY_2 = VectorShuffle.iota(DOUBLES, 2, 1, true);
  private static final VectorShuffle<Double> DOUBLES_BY_1 = VectorShuffle.iota(DOUBLES, 1, 1, true);

  private VectorShapes() {}

  /// The sum of all lanes, halves first. `reduceLanes` leaves the order open, and C2's differs
  /// from the interpreter's: results would change while a program warms up.
  static float sum(FloatVector lanes) {
    FloatVector sum = lanes;
    if (FLOAT_COUNT > 8) {
      sum = sum.add(sum.rearrange(FLOATS_BY_8));
    }
    if (FLOAT_COUNT > 4) {
      sum = sum.add(sum.rearrange(FLOATS_BY_4));
    }
    sum = sum.add(sum.rearrange(FLOATS_BY_2));
    return sum.add(sum.rearrange(FLOATS_BY_1)).lane(0);
  }

  /// The sum of all lanes, halves first.
  static double sum(DoubleVector lanes) {
    DoubleVector sum = lanes;
    if (FLOAT_COUNT > 8) {
      sum = sum.add(sum.rearrange(DOUBLES_BY_4));
    }
    if (FLOAT_COUNT > 4) {
      sum = sum.add(sum.rearrange(DOUBLES_BY_2));
    }
    return sum.add(sum.rearrange(DOUBLES_BY_1)).lane(0);
  }

  /// The width in bits.
  static int bits() {
    return Math.min(WIDEST, VectorShape.preferredShape().vectorBitSize());
  }
}
