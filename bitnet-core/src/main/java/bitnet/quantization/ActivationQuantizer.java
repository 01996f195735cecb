package bitnet.quantization;

/// Absmax quantization of activations to 8 bits, per token (BitNet b1.58):
/// `a = 127 / max(max|x|, 1e-5)`, `x_q = clamp(round(x * a), -128, 127)`, used as `x_q / a`.
/// Rounding is half to even.
public final class ActivationQuantizer {
  private static final float LEAST_MAXIMUM = 1e-5f;

  private ActivationQuantizer() {}

  /// The multiplier `a` of one token's activations.
  ///
  /// @param activations float32 values
  /// @param offset index of the token's first value
  /// @param count values of the token
  /// @throws IllegalArgumentException if a value is not finite
  public static float multiplier(float[] activations, int offset, int count) {
    float maximum = LEAST_MAXIMUM;
    for (int i = offset; i < offset + count; i++) {
      maximum = Math.max(maximum, Math.abs(activations[i])); // Math.max keeps a NaN
    }
    if (!Float.isFinite(maximum)) {
      throw new IllegalArgumentException(
          "max|x| is %s; an activation is not finite".formatted(maximum));
    }
    return 127f / maximum;
  }

  /// Quantizes one token's activations.
  ///
  /// @param activations float32 values
  /// @param offset index of the token's first value
  /// @param quantized receives one int8 value for each input, from index 0
  /// @param count values of the token
  /// @return the multiplier `a`; an int8 value q stands for `q / a`
  /// @throws IllegalArgumentException if a value is not finite
  public static float quantize(float[] activations, int offset, byte[] quantized, int count) {
    float multiplier = multiplier(activations, offset, count);
    for (int i = 0; i < count; i++) {
      double rounded = Math.rint(activations[offset + i] * multiplier);
      quantized[i] = (byte) Math.clamp(rounded, -128, 127);
    }
    return multiplier;
  }
}
