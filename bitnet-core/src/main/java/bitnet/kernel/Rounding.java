package bitnet.kernel;

/// What rounding weights to a few bits needs, in loops that are fast soon after the start already:
/// `Math.rint` is a slow call until the JIT compiler has come to it.
final class Rounding {
  private static final float ONES_APART = 0x1.8p23f;

  private Rounding() {}

  /// The greatest magnitude; NaN if one of the values is.
  static float magnitude(float[] values, int offset, int count) {
    float maximum = 0;
    for (int i = offset; i < offset + count; i++) {
      maximum = Math.max(maximum, Math.abs(values[i]));
    }
    return maximum;
  }

  /// The nearest integer, ties to even, of a value below 2^22: added to a float whose neighbours
  /// are 1 apart, it is rounded to their grid.
  static int nearest(float value) {
    return (int) (value + ONES_APART - ONES_APART);
  }
}
