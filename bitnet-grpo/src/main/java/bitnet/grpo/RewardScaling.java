package bitnet.grpo;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// What rewards are divided by after the mean of their group was taken off.
public enum RewardScaling {
  /// The standard deviation of the group, as in DeepSeekMath (arXiv 2402.03300).
  GROUP,
  /// The standard deviation of all rewards of the batch.
  BATCH,
  /// Nothing, as in Dr. GRPO (arXiv 2503.20783).
  NONE;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The scaling of that name.
  ///
  /// @throws IllegalArgumentException if there is none
  public static RewardScaling of(String key) {
    return NamedValues.find(values(), RewardScaling::key, key, "scale_rewards");
  }
}
