package bitnet.runtime;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// How the embedding and the output head are kept in memory.
public enum LmHeadType {
  /// As stored, in single precision.
  FP32,
  /// 8 bits with a scale per row, multiplied with 8-bit activations; the default.
  INT8,
  /// 4 bits with a scale for every 64 columns, multiplied with 8-bit activations.
  INT4;

  /// A type by its name on the command line.
  ///
  /// @throws IllegalArgumentException if there is no such type
  public static LmHeadType of(String name) {
    return NamedValues.find(values(), LmHeadType::label, name, "lm_head");
  }

  /// Its name on the command line.
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
