package bitnet.diloco;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// How a worker hands its change of the weights on.
public enum DeltaType {
  /// Exact: the worker's weights themselves, which its state holds anyway.
  FP32(4),
  /// Rounded to 8 bits of mantissa; what is lost is added to the next change.
  BF16(2),
  /// Rounded to 255 levels with a scale for every 256 values; what is lost is added to the next
  /// change.
  INT8(1 + 4.0 / DeltaFile.BLOCK);

  private final double bytesPerWeight;

  DeltaType(double bytesPerWeight) {
    this.bytesPerWeight = bytesPerWeight;
  }

  /// Its name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// What the driver reads of a worker for each weight.
  public double bytesPerWeight() {
    return bytesPerWeight;
  }

  /// Whether a rest stays with the worker.
  boolean isRounded() {
    return this != FP32;
  }

  /// The type of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static DeltaType of(String key) {
    return NamedValues.find(values(), DeltaType::key, key, "delta_dtype");
  }
}
