package bitnet.model;

import bitnet.setting.NamedValues;

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
    return of(config.subNorms(), config.heads().variant());
  }

  /// The family that has exactly these pieces.
  ///
  /// @throws IllegalArgumentException naming the pieces, if no family has just them
  static ModelFamily of(boolean subNorms, AttentionVariant attention) {
    for (ModelFamily family : values()) {
      boolean fits = subNorms == (family == BITNET);
      if (fits && family.attention(attention.scaling(), attention.outputBias()).equals(attention)) {
        return family;
      }
    }
    throw new IllegalArgumentException(
        "no model family has %s; supported are %s"
            .formatted(attention.pieces(subNorms), supportedPieces()));
  }

  private static String supportedPieces() {
    return "q_norm and k_norm with biases of q, k, v and o or none (qwen3), biases of q, k and v"
        + " (qwen2), biases of all four or none (llama), sub-norms without q_norm and k_norm"
        + " (bitnet)";
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

  /// A minimal model of this family with what new models of it have: its pieces, the epsilon of its
  /// norms and the base of its frequencies. [LlamaConfig#withSize] and others give it its size.
  ///
  /// @param vocabSize tokens in the vocabulary
  public LlamaConfig blank(int vocabSize) {
    LlamaConfig plain =
        LlamaConfig.of(vocabSize, 256, 256, 1, 4)
            .withAttention(attention(new RopeScaling.None(), false));
    return switch (this) {
      case LLAMA -> plain;
      case BITNET ->
          plain
              .withSubNorms(true)
              .withActivation(Activation.RELU_SQUARED)
              .withTiedHead(true)
              .withRopeTheta(500_000);
      case QWEN2, QWEN3 -> plain.withRmsNormEpsilon(1e-6).withRopeTheta(1_000_000);
    };
  }

  /// A family by its `model_type`, as on the command line.
  ///
  /// @throws IllegalArgumentException if there is no such family, naming all
  public static ModelFamily of(String modelType) {
    return NamedValues.find(values(), ModelFamily::modelType, modelType, "family");
  }

  /// Whether each head of q and of k goes through an RMSNorm.
  public boolean queryKeyNorms() {
    return queryKeyNorms;
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
