package bitnet.runtime;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// How the embedding and the output head are kept in memory.
public enum LmHeadType {
  /// Packed as the linear layers are where it is ternary, else in 8 bits; the default.
  AUTO,
  /// Two bits with group scales, multiplied with quantized activations; ternary ones only.
  PACKED,
  /// As stored, in single precision.
  FP32,
  /// 8 bits with a scale per row, multiplied with 8-bit activations.
  INT8,
  /// 4 bits with a scale for every 64 columns, multiplied with 8-bit activations.
  INT4;

  /// A type by its name on the command line.
  ///
  /// @throws IllegalArgumentException if there is no such type
  public static LmHeadType of(String name) {
    return NamedValues.find(values(), LmHeadType::label, name, "lm_head");
  }

  /// How a matrix is kept.
  ///
  /// @param ternary whether it is ternary, with group scales
  /// @throws IllegalArgumentException if it is to be packed and is not ternary
  LmHeadType resolved(boolean ternary) {
    if (this == PACKED && !ternary) {
      throw new IllegalArgumentException(
          "lm_head packed needs an embedding and a head that are ternary with group scales; use"
              + " auto");
    }
    return this == AUTO ? (ternary ? PACKED : INT8) : this;
  }

  /// Its name on the command line.
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
