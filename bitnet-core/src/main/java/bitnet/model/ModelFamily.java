package bitnet.model;

/// The families of decoders that are computed: what their `config.json` says, and what it means
/// where a key is missing, as in transformers' class of that name.
public enum ModelFamily {
  /// LLaMA 1 to 3, Falcon3, TriLM.
  LLAMA(
      "llama",
      "LlamaForCausalLM",
      new Defaults(Activation.SILU, 1e-6, 10_000, 2048, 0, 0),
      Biases.BY_KEY,
      false),
  /// BitNet b1.58 2B4T, with sub-norms.
  BITNET(
      "bitnet",
      "BitNetForCausalLM",
      new Defaults(Activation.RELU_SQUARED, 1e-5, 500_000, 2048, 0, 0),
      Biases.BY_KEY,
      false),
  /// Qwen 2 and 2.5: biases of q, k and v.
  QWEN2(
      "qwen2",
      "Qwen2ForCausalLM",
      new Defaults(Activation.SILU, 1e-6, 10_000, 32_768, 0, 32),
      Biases.OF_INPUTS,
      false),
  /// Qwen 3 and Bonsai: norms of q and k, and a head_dim that need not be hidden_size / heads.
  QWEN3(
      "qwen3",
      "Qwen3ForCausalLM",
      new Defaults(Activation.SILU, 1e-6, 10_000, 32_768, 128, 32),
      Biases.BY_KEY,
      true);

  /// What a missing key means.
  ///
  /// @param activation `hidden_act`
  /// @param epsilon `rms_norm_eps`
  /// @param ropeTheta `rope_theta`
  /// @param contextLength `max_position_embeddings`
  /// @param headDim `head_dim`; 0 for `hidden_size / num_attention_heads`
  /// @param keyValueHeads `num_key_value_heads`; 0 for as many as query heads
  public record Defaults(
      Activation activation,
      double epsilon,
      double ropeTheta,
      int contextLength,
      int headDim,
      int keyValueHeads) {}

  /// Which layers of attention have biases.
  public enum Biases {
    /// All four, where `attention_bias` is true.
    BY_KEY,
    /// q, k and v always, o never.
    OF_INPUTS
  }

  private final String modelType;
  private final String className;

  @SuppressWarnings("ImmutableEnumChecker") // a record of numbers and an enum
  private final Defaults defaults;

  private final Biases biases;
  private final boolean queryKeyNorms;

  ModelFamily(
      String modelType, String className, Defaults defaults, Biases biases, boolean queryKeyNorms) {
    this.modelType = modelType;
    this.className = className;
    this.defaults = defaults;
    this.biases = biases;
    this.queryKeyNorms = queryKeyNorms;
  }

  /// The family whose class computes a model.
  public static ModelFamily of(LlamaConfig config) {
    AttentionVariant attention = config.heads().variant();
    if (config.subNorms()) {
      return BITNET;
    }
    if (attention.queryKeyNorms()) {
      return QWEN3;
    }
    return attention.inputBiases() && !attention.outputBias() ? QWEN2 : LLAMA;
  }

  /// The attention of this family.
  ///
  /// @param scaling of the rotary frequencies
  /// @param attentionBias the key `attention_bias`
  public AttentionVariant attention(RopeScaling scaling, boolean attentionBias) {
    return switch (biases) {
      case BY_KEY -> new AttentionVariant(scaling, queryKeyNorms, attentionBias, attentionBias);
      case OF_INPUTS -> new AttentionVariant(scaling, queryKeyNorms, true, false);
    };
  }

  /// The `model_type` of `config.json`.
  public String modelType() {
    return modelType;
  }

  /// The class in `architectures` of `config.json`.
  public String className() {
    return className;
  }

  /// What a missing key means.
  public Defaults defaults() {
    return defaults;
  }
}
