package bitnet.data;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// Which windows of a text a training step sees.
public enum WindowSampling {
  /// Every window of an epoch once, reshuffled for each epoch.
  EPOCH,
  /// Windows that start anywhere, drawn independently.
  RANDOM;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The sampling of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static WindowSampling of(String key) {
    return NamedValues.find(values(), WindowSampling::key, key, "sampling");
  }
}
