package bitnet.model;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/// The dimensions of a LLaMA decoder, in the vocabulary of Hugging Face's `config.json`.
///
/// @param vocabSize tokens in the vocabulary
/// @param hiddenSize width of the residual stream
/// @param intermediateSize width of the feed-forward block
/// @param layerCount decoder layers
/// @param headCount attention heads
/// @param keyValueHeadCount key and value heads; divides headCount (grouped-query attention)
/// @param headDim width of one head; even
/// @param contextLength the longest sequence, in tokens
/// @param rmsNormEpsilon added to the mean square before the root
/// @param ropeTheta base of the rotary frequencies
/// @param activation the gate's nonlinearity
/// @param subNorms whether an RMSNorm stands before o_proj and before down_proj (BitNet b1.58 2B4T)
/// @param tiedHead whether the head is the embedding
/// @param ternaryEmbeddings whether embeddings are ternarised per row too (experimental)
/// @param linearNormEpsilon the epsilon of the RMSNorm with a gain of its own that stands
///     inside each linear layer, before its quantisation (`use_rms_norm`); empty where there is
///     none
public record LlamaConfig(
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int layerCount,
    int headCount,
    int keyValueHeadCount,
    int headDim,
    int contextLength,
    double rmsNormEpsilon,
    double ropeTheta,
    Activation activation,
    boolean subNorms,
    boolean tiedHead,
    boolean ternaryEmbeddings,
    OptionalDouble linearNormEpsilon) {

  /// Checks every dimension.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public LlamaConfig {
    atLeast("vocab_size", vocabSize, 2);
    atLeast("hidden_size", hiddenSize, 1);
    atLeast("intermediate_size", intermediateSize, 1);
    atLeast("num_hidden_layers", layerCount, 1);
    atLeast("num_attention_heads", headCount, 1);
    atLeast("num_key_value_heads", keyValueHeadCount, 1);
    atLeast("head_dim", headDim, 2);
    atLeast("max_position_embeddings", contextLength, 1);
    if (headDim % 2 != 0) {
      throw new IllegalArgumentException(
          "head_dim %d is odd; rotary embeddings need an even one, use %d"
              .formatted(headDim, headDim + 1));
    }
    if (headCount % keyValueHeadCount != 0) {
      throw new IllegalArgumentException(
          "num_attention_heads %d is not a multiple of num_key_value_heads %d; use %d of these"
              .formatted(
                  headCount, keyValueHeadCount, largestDivisor(headCount, keyValueHeadCount)));
    }
    if (subNorms && headCount * headDim != hiddenSize) {
      throw new IllegalArgumentException(
          "sub-norms need num_attention_heads * head_dim = hidden_size, but %d * %d is not %d"
              .formatted(headCount, headDim, hiddenSize));
    }
    if (!(rmsNormEpsilon > 0 && rmsNormEpsilon < 1)) {
      throw new IllegalArgumentException(
          "rms_norm_eps %s is not between 0 and 1; use 1e-5".formatted(rmsNormEpsilon));
    }
    if (!(ropeTheta > 1 && Double.isFinite(ropeTheta))) {
      throw new IllegalArgumentException(
          "rope_theta %s is not a finite number above 1; use 10000".formatted(ropeTheta));
    }
    linearNormEpsilon.ifPresent(
        epsilon -> {
          if (!(epsilon > 0 && epsilon < 1)) {
            throw new IllegalArgumentException(
                "rms_norm_eps %s of the linear layers' norms is not between 0 and 1; use 1e-6"
                    .formatted(epsilon));
          }
        });
  }

  /// A decoder without norms inside its linear layers.
  public LlamaConfig(
      int vocabSize,
      int hiddenSize,
      int intermediateSize,
      int layerCount,
      int headCount,
      int keyValueHeadCount,
      int headDim,
      int contextLength,
      double rmsNormEpsilon,
      double ropeTheta,
      Activation activation,
      boolean subNorms,
      boolean tiedHead,
      boolean ternaryEmbeddings) {
    this(
        vocabSize,
        hiddenSize,
        intermediateSize,
        layerCount,
        headCount,
        keyValueHeadCount,
        headDim,
        contextLength,
        rmsNormEpsilon,
        ropeTheta,
        activation,
        subNorms,
        tiedHead,
        ternaryEmbeddings,
        OptionalDouble.empty());
  }

  private static void atLeast(String key, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s %d is too small; it must be at least %d".formatted(key, value, least));
    }
  }

  private static int largestDivisor(int number, int limit) {
    int divisor = Math.min(number, limit);
    while (number % divisor != 0) {
      divisor--;
    }
    return divisor;
  }

  /// Whether an RMSNorm stands inside each linear layer.
  public boolean linearNorms() {
    return linearNormEpsilon.isPresent();
  }

  /// The name of the gain of the norm inside a linear layer.
  ///
  /// @param linear the name of the layer's weight, `<layer>.weight`
  public static String linearNormName(String linear) {
    return linear.substring(0, linear.length() - "weight".length()) + "rms_norm.weight";
  }

  /// Output width of q_proj.
  public int queryWidth() {
    return headCount * headDim;
  }

  /// Output width of k_proj and of v_proj.
  public int keyValueWidth() {
    return keyValueHeadCount * headDim;
  }

  /// Every parameter in the order of a Hugging Face checkpoint.
  public List<TensorSpec> tensors() {
    List<TensorSpec> tensors = new ArrayList<>();
    tensors.add(
        new TensorSpec(
            "model.embed_tokens.weight", vocabSize, hiddenSize, TensorSpec.Kind.EMBEDDING));
    for (int layer = 0; layer < layerCount; layer++) {
      addLayer(tensors, "model.layers.%d.".formatted(layer));
    }
    tensors.add(norm("model.norm.weight", hiddenSize));
    if (!tiedHead) {
      tensors.add(new TensorSpec("lm_head.weight", vocabSize, hiddenSize, TensorSpec.Kind.HEAD));
    }
    return List.copyOf(tensors);
  }

  private void addLayer(List<TensorSpec> tensors, String prefix) {
    tensors.add(norm(prefix + "input_layernorm.weight", hiddenSize));
    addLinear(tensors, prefix + "self_attn.q_proj.weight", queryWidth(), hiddenSize);
    addLinear(tensors, prefix + "self_attn.k_proj.weight", keyValueWidth(), hiddenSize);
    addLinear(tensors, prefix + "self_attn.v_proj.weight", keyValueWidth(), hiddenSize);
    addLinear(tensors, prefix + "self_attn.o_proj.weight", hiddenSize, queryWidth());
    if (subNorms) {
      tensors.add(norm(prefix + "self_attn.attn_sub_norm.weight", hiddenSize));
    }
    tensors.add(norm(prefix + "post_attention_layernorm.weight", hiddenSize));
    addLinear(tensors, prefix + "mlp.gate_proj.weight", intermediateSize, hiddenSize);
    addLinear(tensors, prefix + "mlp.up_proj.weight", intermediateSize, hiddenSize);
    addLinear(tensors, prefix + "mlp.down_proj.weight", hiddenSize, intermediateSize);
    if (subNorms) {
      tensors.add(norm(prefix + "mlp.ffn_sub_norm.weight", intermediateSize));
    }
  }

  private void addLinear(List<TensorSpec> tensors, String name, int out, int in) {
    tensors.add(new TensorSpec(name, out, in, TensorSpec.Kind.TERNARY));
    if (linearNorms()) {
      tensors.add(norm(linearNormName(name), in));
    }
  }

  private static TensorSpec norm(String name, int width) {
    return new TensorSpec(name, width, 0, TensorSpec.Kind.NORM);
  }

  /// The number of parameters; a tied head counts once.
  public long parameterCount() {
    return tensors().stream().mapToLong(TensorSpec::count).sum();
  }
}
