package bitnet.model;

import bitnet.setting.NamedValues;

/// The gate's nonlinearity in the feed-forward block.
public enum Activation {
  /// `x * sigmoid(x)`, as in LLaMA.
  SILU("silu"),
  /// `max(x, 0)^2`, as in BitNet b1.58 2B4T.
  RELU_SQUARED("relu2");

  private final String key;

  Activation(String key) {
    this.key = key;
  }

  /// The name in a Hugging Face `config.json` (`hidden_act`).
  public String key() {
    return key;
  }

  /// The activation of that `hidden_act`.
  ///
  /// @throws IllegalArgumentException if no activation has that name
  public static Activation of(String key) {
    return NamedValues.find(values(), Activation::key, key, "hidden_act");
  }
}
