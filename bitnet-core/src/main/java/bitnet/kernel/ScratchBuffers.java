package bitnet.kernel;

/// Memory that one thread works in, kept from call to call: each array is as long as was ever asked
/// for and holds whatever was left in it.
final class ScratchBuffers {
  private byte[] bytes = new byte[0];
  private short[] shorts = new short[0];
  private int[] ints = new int[0];
  private float[] weights = new float[0];
  private float[] inputs = new float[0];
  private short[] shortSums = new short[0];
  private float[] floatSums = new float[0];

  /// At least so many bytes.
  byte[] bytes(int count) {
    if (bytes.length < count) {
      bytes = new byte[count];
    }
    return bytes;
  }

  /// At least so many shorts.
  short[] shorts(int count) {
    if (shorts.length < count) {
      shorts = new short[count];
    }
    return shorts;
  }

  /// At least so many ints.
  int[] ints(int count) {
    if (ints.length < count) {
      ints = new int[count];
    }
    return ints;
  }

  /// At least so many floats, for weights.
  float[] weights(int count) {
    if (weights.length < count) {
      weights = new float[count];
    }
    return weights;
  }

  /// At least so many floats, for activations.
  float[] inputs(int count) {
    if (inputs.length < count) {
      inputs = new float[count];
    }
    return inputs;
  }

  /// At least so many shorts, for sums.
  short[] shortSums(int count) {
    if (shortSums.length < count) {
      shortSums = new short[count];
    }
    return shortSums;
  }

  /// At least so many floats, for sums.
  float[] floatSums(int count) {
    if (floatSums.length < count) {
      floatSums = new float[count];
    }
    return floatSums;
  }
}
