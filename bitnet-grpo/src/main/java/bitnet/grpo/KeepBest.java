package bitnet.grpo;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// Which model a run writes at its end.
public enum KeepBest {
  /// That of the last step.
  NONE,
  /// That with the highest greedy accuracy on the held-out questions.
  EVAL_ACCURACY,
  /// That with the highest sampled accuracy on the held-out questions.
  EVAL_SAMPLED;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The value of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static KeepBest of(String key) {
    return NamedValues.find(values(), KeepBest::key, key, "keep_best");
  }
}
