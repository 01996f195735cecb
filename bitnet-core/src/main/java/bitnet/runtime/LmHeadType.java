package bitnet.runtime;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// How the embedding and the output head are kept in memory.
public enum LmHeadType {
  /// As stored, in single precision.
  FP32,
  /// 8 bits with a scale a row, multiplied with 8-bit activations; the default.
  INT8,
  /// 4 bits with a scale for every 64 columns, multiplied with 8-bit activations.
  INT4;

  /// A type by its name on the command line.
  ///
  /// @throws IllegalArgumentException if there is no such type
  public static LmHeadType of(String name) {
    for (LmHeadType type : values()) {
      if (type.label().equals(name)) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "head \"%s\" is unknown; use %s"
            .formatted(
                name,
                Arrays.stream(values()).map(LmHeadType::label).collect(Collectors.joining(", "))));
  }

  /// Its name on the command line.
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
