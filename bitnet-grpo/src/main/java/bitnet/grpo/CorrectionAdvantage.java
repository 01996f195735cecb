package bitnet.grpo;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// The advantage of a correction in the second layer.
public enum CorrectionAdvantage {
  /// The rise of the reward over the first answer, for corrections that the verifier accepts and
  /// whose reward rises; 0 for all others.
  IMPROVED,
  /// The difference of the rewards, for all corrections: a fall of the reward is unlearned.
  SIGNED,
  /// The reward relative to the corrections of the same first answer, as in the first layer.
  GROUP;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The kind of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static CorrectionAdvantage of(String key) {
    return NamedValues.find(values(), CorrectionAdvantage::key, key, "correction_advantage");
  }
}
