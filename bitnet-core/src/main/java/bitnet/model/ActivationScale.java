package bitnet.model;

import bitnet.setting.NamedValues;

/// How the inputs of ternary layers are quantized: which values share a scale.
public enum ActivationScale {
  /// 8 bits with one scale per token, as BitNet models are trained.
  INT8("int8"),
  /// 8 bits with a scale for every group of input features that shares one in the weights.
  INT8_GROUP("int8-group"),
  /// Not at all: the definition of models that are ternary in their weights only.
  FLOAT("float");

  private final String key;

  ActivationScale(String key) {
    this.key = key;
  }

  /// The name in `config.json` and on the command line.
  public String key() {
    return key;
  }

  /// A scale by its name.
  ///
  /// @throws IllegalArgumentException if there is none, naming all
  public static ActivationScale of(String key) {
    return NamedValues.find(values(), ActivationScale::key, key, "activations");
  }
}
