package bitnet.grpo;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// What a run does when held-out accuracy has fallen significantly below that of the start.
public enum OnRegression {
  /// Says so and continues.
  WARN,
  /// Halves the learning rate for the rest of the run, each time.
  HALVE,
  /// Ends the run.
  STOP;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The value of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static OnRegression of(String key) {
    return NamedValues.find(values(), OnRegression::key, key, "on_regression");
  }
}
