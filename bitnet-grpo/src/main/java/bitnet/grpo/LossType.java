package bitnet.grpo;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// How the losses of tokens are added up.
public enum LossType {
  /// The mean over each answer, then over answers (arXiv 2402.03300).
  GRPO,
  /// The sum over all tokens, by their number.
  BNPO,
  /// The sum over all tokens, by answers times the longest that an answer may be (arXiv
  /// 2503.20783): long answers are not favoured.
  DR_GRPO,
  /// The same as BNPO in this trainer, under the name of arXiv 2503.14476: the sum over all tokens,
  /// by their number in the batch that was generated, which is one update here.
  DAPO;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The type of that name.
  ///
  /// @throws IllegalArgumentException if there is none
  public static LossType of(String key) {
    return NamedValues.find(values(), LossType::key, key, "loss_type");
  }
}
