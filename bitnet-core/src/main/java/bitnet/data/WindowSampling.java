package bitnet.data;

import java.util.Locale;

/// Which windows of a text a training step sees.
public enum WindowSampling {
  /// Every window of an epoch once, in an order that is shuffled anew for each epoch.
  EPOCH,
  /// Windows that start anywhere, drawn independently.
  RANDOM;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The sampling of that name.
  ///
  /// @throws IllegalArgumentException if there is none
  public static WindowSampling of(String key) {
    for (WindowSampling sampling : values()) {
      if (sampling.key().equals(key)) {
        return sampling;
      }
    }
    throw new IllegalArgumentException(
        "sampling \"%s\" is unknown; use epoch or random".formatted(key));
  }
}
