package bitnet.reward;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// What the head of a [TransformerRewardModel] looks at.
public enum RewardHead {
  /// The last token: one score for the completion.
  SCALAR,
  /// Every token of the completion: a score for each, and their mean for the completion.
  PER_TOKEN;

  /// The name on the command line: `scalar`, `per_token`.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The head of that name.
  ///
  /// @throws IllegalArgumentException if there is none
  public static RewardHead of(String key) {
    return NamedValues.find(values(), RewardHead::key, key, "reward_head");
  }
}
