package bitnet.grpo;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// What the ratio of new to old probability is taken of.
public enum Importance {
  /// Each token.
  TOKEN,
  /// The whole answer, as the geometric mean over its tokens (GSPO, arXiv 2507.18071).
  SEQUENCE;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The level of that name.
  ///
  /// @throws IllegalArgumentException if there is none
  public static Importance of(String key) {
    return NamedValues.find(values(), Importance::key, key, "importance");
  }
}
