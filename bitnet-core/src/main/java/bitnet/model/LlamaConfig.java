package bitnet.model;

import bitnet.setting.SettingChecks;
import java.util.List;
import java.util.OptionalDouble;

/// The dimensions of a LLaMA decoder.
///
/// @param vocabSize tokens in the vocabulary
/// @param hiddenSize width of the residual stream
/// @param layerCount decoder layers
/// @param contextLength the longest sequence, in tokens
/// @param heads attention heads
/// @param feedForward the feed-forward block
/// @param norms normalization
/// @param weights how the weights are kept and multiplied
public record LlamaConfig(
    int vocabSize,
    int hiddenSize,
    int layerCount,
    int contextLength,
    Heads heads,
    FeedForward feedForward,
    Norms norms,
    Weights weights) {

  private static final int CONTEXT_LENGTH = 2048;

  /// The attention heads.
  ///
  /// @param count query heads
  /// @param keyValueCount key and value heads; divides `count` (grouped-query attention)
  /// @param dim width of one head; even
  /// @param ropeTheta base of the rotary frequencies
  /// @param variant in what attention differs from LLaMA's
  public record Heads(
      int count, int keyValueCount, int dim, double ropeTheta, AttentionVariant variant) {
    /// The `rope_theta` of LLaMA 1 and 2.
    public static final double ROPE_THETA = 10_000;

    /// Heads of LLaMA's attention.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Heads(int count, int keyValueCount, int dim, double ropeTheta) {
      this(count, keyValueCount, dim, ropeTheta, AttentionVariant.LLAMA);
    }

    /// Checks every dimension.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Heads {
      SettingChecks.atLeast("num_attention_heads", count, 1);
      SettingChecks.atLeast("num_key_value_heads", keyValueCount, 1);
      SettingChecks.atLeast("head_dim", dim, 2);
      if (dim % 2 != 0) {
        throw new IllegalArgumentException(
            "head_dim %d is odd; rotary embeddings need an even one, use %d"
                .formatted(dim, dim + 1));
      }
      if (count % keyValueCount != 0) {
        throw new IllegalArgumentException(
            "num_attention_heads %d is not a multiple of num_key_value_heads %d; use %d of these"
                .formatted(count, keyValueCount, largestDivisor(count, keyValueCount)));
      }
      if (!(ropeTheta > 1 && Double.isFinite(ropeTheta))) {
        throw new IllegalArgumentException(
            "rope_theta %s is not a finite number above 1; use 10000".formatted(ropeTheta));
      }
    }
  }

  /// The feed-forward block.
  ///
  /// @param intermediateSize its width
  /// @param activation of the gate
  public record FeedForward(int intermediateSize, Activation activation) {
    /// Checks the width.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public FeedForward {
      SettingChecks.atLeast("intermediate_size", intermediateSize, 1);
    }
  }

  /// The RMSNorms.
  ///
  /// @param epsilon added to the mean square before the root
  /// @param subNorms whether there is an RMSNorm before o_proj and before down_proj (BitNet b1.58
  ///     2B4T)
  /// @param linearEpsilon the epsilon of an RMSNorm with its own gain inside each linear layer,
  ///     before its quantization (`use_rms_norm`); empty without such a norm
  public record Norms(double epsilon, boolean subNorms, OptionalDouble linearEpsilon) {
    /// LLaMA's: one before attention, one before the feed-forward block, epsilon 1e-5.
    public static final Norms LLAMA = new Norms(1e-5, false, OptionalDouble.empty());

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Norms {
      checkEpsilon("", epsilon);
      linearEpsilon.ifPresent(each -> checkEpsilon(" of the linear layers' norms", each));
    }

    private static void checkEpsilon(String of, double epsilon) {
      if (!(epsilon > 0 && epsilon < 1)) {
        throw new IllegalArgumentException(
            "rms_norm_eps %s%s is not between 0 and 1; use 1e-5".formatted(epsilon, of));
      }
    }
  }

  /// How the weights are kept and multiplied.
  ///
  /// @param tied whether the output head is the embedding
  /// @param scaleColumns input features that share a scale in a row of a ternary matrix; 0 for one
  ///     scale for a whole matrix
  /// @param ternaryEmbeddings whether embeddings are ternary too: with group scales, or else with
  ///     one scale per token (experimental)
  /// @param ternaryHead whether a head of its own is ternary too; with group scales only
  /// @param activations how the inputs of linear layers are quantized
  public record Weights(
      boolean tied,
      int scaleColumns,
      boolean ternaryEmbeddings,
      boolean ternaryHead,
      ActivationScale activations) {
    /// BitNet's weights and an output head of its own.
    public static final Weights SEPARATE = new Weights(false, false);

    /// BitNet's weights: one scale for a matrix, activations with a scale per token.
    ///
    /// @param tied whether the output head is the embedding
    /// @param ternaryEmbeddings whether embeddings are ternary too, with one scale per token
    public Weights(boolean tied, boolean ternaryEmbeddings) {
      this(tied, 0, ternaryEmbeddings, false, ActivationScale.INT8);
    }

    /// Checks the group of scales.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Weights {
      if (scaleColumns < 0 || scaleColumns % 64 != 0) {
        throw new IllegalArgumentException(
            "scale_columns %d is not a multiple of 64; use 64 or 128, or 0 for one scale per matrix"
                .formatted(scaleColumns));
      }
      if (scaleColumns == 0 && ternaryHead) {
        throw new IllegalArgumentException(
            "a ternary head needs group scales; set scale_columns to 64 or 128");
      }
      if (scaleColumns == 0 && activations == ActivationScale.INT8_GROUP) {
        throw new IllegalArgumentException(
            "activations int8-group need weights with group scales, but this model has one scale"
                + " per matrix; use int8, or set scale_columns to 64 or 128");
      }
    }
  }

  /// Checks every dimension.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public LlamaConfig {
    SettingChecks.atLeast("vocab_size", vocabSize, 2);
    SettingChecks.atLeast("hidden_size", hiddenSize, 1);
    SettingChecks.atLeast("num_hidden_layers", layerCount, 1);
    SettingChecks.atLeast("max_position_embeddings", contextLength, 1);
    if (norms.subNorms() && heads.count() * heads.dim() != hiddenSize) {
      throw new IllegalArgumentException(
          "sub-norms need num_attention_heads * head_dim = hidden_size, but %d * %d is not %d"
              .formatted(heads.count(), heads.dim(), hiddenSize));
    }
    ModelFamily.of(norms.subNorms(), heads.variant());
    if (weights.scaleColumns() > 0) {
      requireGroups("hidden_size", hiddenSize, weights.scaleColumns());
      requireGroups("intermediate_size", feedForward.intermediateSize(), weights.scaleColumns());
      requireGroups(
          "num_attention_heads * head_dim", heads.count() * heads.dim(), weights.scaleColumns());
    }
  }

  private static void requireGroups(String name, int width, int columns) {
    if (width % columns != 0) {
      throw new IllegalArgumentException(
          "%s %d is not a multiple of scale_columns %d; use %d"
              .formatted(name, width, columns, Math.ceilDiv(width, columns) * columns));
    }
  }

  /// A LLaMA with as many key/value heads as query heads, a context of 2048 tokens and SiLU gates;
  /// the `with` methods change that.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public static LlamaConfig of(
      int vocabSize, int hiddenSize, int intermediateSize, int layerCount, int headCount) {
    SettingChecks.atLeast("num_attention_heads", headCount, 1);
    if (hiddenSize % headCount != 0) {
      throw new IllegalArgumentException(
          "hidden_size %d is not a multiple of num_attention_heads %d; use %d"
              .formatted(hiddenSize, headCount, hiddenSize / headCount * headCount + headCount));
    }
    return new LlamaConfig(
        vocabSize,
        hiddenSize,
        layerCount,
        CONTEXT_LENGTH,
        new Heads(headCount, headCount, hiddenSize / headCount, Heads.ROPE_THETA),
        new FeedForward(intermediateSize, Activation.SILU),
        Norms.LLAMA,
        Weights.SEPARATE);
  }

  /// These dimensions with another context length.
  public LlamaConfig withContextLength(int other) {
    return new LlamaConfig(
        vocabSize, hiddenSize, layerCount, other, heads, feedForward, norms, weights);
  }

  private LlamaConfig withHeads(Heads other) {
    return new LlamaConfig(
        vocabSize, hiddenSize, layerCount, contextLength, other, feedForward, norms, weights);
  }

  /// The pieces of this model in another size.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public LlamaConfig withSize(
      int hidden, int intermediate, int layers, int headCount, int keyValueHeads, int headDim) {
    return new LlamaConfig(
        vocabSize,
        hidden,
        layers,
        contextLength,
        new Heads(headCount, keyValueHeads, headDim, heads.ropeTheta(), heads.variant()),
        new FeedForward(intermediate, feedForward.activation()),
        norms,
        weights);
  }

  /// These dimensions with fewer key/value heads (grouped-query attention).
  public LlamaConfig withKeyValueHeads(int other) {
    return withHeads(
        new Heads(heads.count(), other, heads.dim(), heads.ropeTheta(), heads.variant()));
  }

  /// These dimensions with another base of the rotary frequencies.
  public LlamaConfig withRopeTheta(double other) {
    return withHeads(
        new Heads(heads.count(), heads.keyValueCount(), heads.dim(), other, heads.variant()));
  }

  /// These dimensions with another variant of attention.
  public LlamaConfig withAttention(AttentionVariant other) {
    return withHeads(
        new Heads(heads.count(), heads.keyValueCount(), heads.dim(), heads.ropeTheta(), other));
  }

  /// These dimensions with another activation of the gate.
  public LlamaConfig withActivation(Activation other) {
    return new LlamaConfig(
        vocabSize,
        hiddenSize,
        layerCount,
        contextLength,
        heads,
        new FeedForward(feedForward.intermediateSize(), other),
        norms,
        weights);
  }

  private LlamaConfig withNorms(Norms other) {
    return new LlamaConfig(
        vocabSize, hiddenSize, layerCount, contextLength, heads, feedForward, other, weights);
  }

  /// These dimensions with another epsilon of the norms.
  public LlamaConfig withRmsNormEpsilon(double other) {
    return withNorms(new Norms(other, norms.subNorms(), norms.linearEpsilon()));
  }

  /// These dimensions with or without norms before o_proj and down_proj.
  public LlamaConfig withSubNorms(boolean other) {
    return withNorms(new Norms(norms.epsilon(), other, norms.linearEpsilon()));
  }

  /// These dimensions with or without norms inside the linear layers.
  public LlamaConfig withLinearNormEpsilon(OptionalDouble other) {
    return withNorms(new Norms(norms.epsilon(), norms.subNorms(), other));
  }

  /// These dimensions with weights kept in another way.
  public LlamaConfig withWeights(Weights other) {
    return new LlamaConfig(
        vocabSize, hiddenSize, layerCount, contextLength, heads, feedForward, norms, other);
  }

  /// These dimensions with or without a tied output head.
  public LlamaConfig withTiedHead(boolean other) {
    return withWeights(
        new Weights(
            other,
            weights.scaleColumns(),
            weights.ternaryEmbeddings(),
            weights.ternaryHead() && !other,
            weights.activations()));
  }

  /// These dimensions with or without ternary embeddings.
  public LlamaConfig withTernaryEmbeddings(boolean other) {
    return withWeights(
        new Weights(
            weights.tied(),
            weights.scaleColumns(),
            other,
            weights.ternaryHead(),
            weights.activations()));
  }

  /// These dimensions with the inputs of ternary layers quantized in another way.
  public LlamaConfig withActivations(ActivationScale other) {
    return withWeights(
        new Weights(
            weights.tied(),
            weights.scaleColumns(),
            weights.ternaryEmbeddings(),
            weights.ternaryHead(),
            other));
  }

  /// Width of the feed-forward block.
  public int intermediateSize() {
    return feedForward.intermediateSize();
  }

  /// Query heads.
  public int headCount() {
    return heads.count();
  }

  /// Key and value heads.
  public int keyValueHeadCount() {
    return heads.keyValueCount();
  }

  /// Width of one head.
  public int headDim() {
    return heads.dim();
  }

  /// Base of the rotary frequencies.
  public double ropeTheta() {
    return heads.ropeTheta();
  }

  /// Activation of the gate.
  public Activation activation() {
    return feedForward.activation();
  }

  /// Epsilon of the RMSNorms.
  public double rmsNormEpsilon() {
    return norms.epsilon();
  }

  /// Whether there are norms before o_proj and down_proj.
  public boolean subNorms() {
    return norms.subNorms();
  }

  /// The epsilon of the norms inside linear layers, if there are any.
  public OptionalDouble linearNormEpsilon() {
    return norms.linearEpsilon();
  }

  /// Whether the output head is the embedding.
  public boolean tiedHead() {
    return weights.tied();
  }

  /// Whether embeddings are ternary.
  public boolean ternaryEmbeddings() {
    return weights.ternaryEmbeddings();
  }

  /// Whether an output head that is not the embedding is ternary.
  public boolean ternaryHead() {
    return weights.ternaryHead();
  }

  /// Whether ternary matrices have a scale for every group of input features of a row.
  public boolean hasGroupScales() {
    return weights.scaleColumns() > 0;
  }

  /// Whether a parameter is ternary: linear layers, and the embedding and the head where they are.
  public boolean isTernary(TensorSpec tensor) {
    return switch (tensor.kind()) {
      case TERNARY -> true;
      case EMBEDDING -> weights.ternaryEmbeddings();
      case HEAD -> weights.ternaryHead();
      case NORM, BIAS, ADAPTER -> false;
    };
  }

  private static int largestDivisor(int number, int limit) {
    int divisor = Math.min(number, limit);
    while (number % divisor != 0) {
      divisor--;
    }
    return divisor;
  }

  /// Whether each linear layer contains an RMSNorm.
  public boolean linearNorms() {
    return norms.linearEpsilon().isPresent();
  }

  /// The name of the gain of the norm inside a linear layer.
  ///
  /// @param linear the name of the layer's weight, `<layer>.weight`
  public static String linearNormName(String linear) {
    return linear.substring(0, linear.length() - "weight".length()) + "rms_norm.weight";
  }

  /// Output width of q_proj.
  public int queryWidth() {
    return heads.count() * heads.dim();
  }

  /// Output width of k_proj and of v_proj.
  public int keyValueWidth() {
    return heads.keyValueCount() * heads.dim();
  }

  /// Every parameter in the order of a Hugging Face checkpoint.
  public List<TensorSpec> tensors() {
    return new ModelTensors(this).list();
  }

  /// The number of parameters; a tied head counts once.
  public long parameterCount() {
    return tensors().stream().mapToLong(TensorSpec::count).sum();
  }
}
