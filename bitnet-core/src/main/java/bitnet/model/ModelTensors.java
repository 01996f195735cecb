package bitnet.model;

import java.util.ArrayList;
import java.util.List;

/// The parameters of a model.
///
/// @param config its dimensions
record ModelTensors(LlamaConfig config) {

  /// Every parameter in the order of a Hugging Face checkpoint.
  List<TensorSpec> list() {
    int hidden = config.hiddenSize();
    int vocab = config.vocabSize();
    List<TensorSpec> tensors = new ArrayList<>();
    tensors.add(
        new TensorSpec("model.embed_tokens.weight", vocab, hidden, TensorSpec.Kind.EMBEDDING));
    for (int layer = 0; layer < config.layerCount(); layer++) {
      addLayer(tensors, "model.layers.%d.".formatted(layer));
    }
    tensors.add(norm("model.norm.weight", hidden));
    if (!config.tiedHead()) {
      tensors.add(new TensorSpec("lm_head.weight", vocab, hidden, TensorSpec.Kind.HEAD));
    }
    return List.copyOf(tensors);
  }

  private void addLayer(List<TensorSpec> tensors, String prefix) {
    int hidden = config.hiddenSize();
    int intermediate = config.intermediateSize();
    tensors.add(norm(prefix + "input_layernorm.weight", hidden));
    addLinear(tensors, prefix + "self_attn.q_proj.weight", config.queryWidth(), hidden);
    addLinear(tensors, prefix + "self_attn.k_proj.weight", config.keyValueWidth(), hidden);
    addLinear(tensors, prefix + "self_attn.v_proj.weight", config.keyValueWidth(), hidden);
    addLinear(tensors, prefix + "self_attn.o_proj.weight", hidden, config.queryWidth());
    addAttentionVectors(tensors, prefix + "self_attn.");
    if (config.subNorms()) {
      tensors.add(norm(prefix + "self_attn.attn_sub_norm.weight", hidden));
    }
    tensors.add(norm(prefix + "post_attention_layernorm.weight", hidden));
    addLinear(tensors, prefix + "mlp.gate_proj.weight", intermediate, hidden);
    addLinear(tensors, prefix + "mlp.up_proj.weight", intermediate, hidden);
    addLinear(tensors, prefix + "mlp.down_proj.weight", hidden, intermediate);
    if (config.subNorms()) {
      tensors.add(norm(prefix + "mlp.ffn_sub_norm.weight", intermediate));
    }
  }

  private void addAttentionVectors(List<TensorSpec> tensors, String prefix) {
    AttentionVariant variant = config.heads().variant();
    if (variant.queryKeyNorms()) {
      tensors.add(norm(prefix + "q_norm.weight", config.headDim()));
      tensors.add(norm(prefix + "k_norm.weight", config.headDim()));
    }
    if (variant.inputBiases()) {
      tensors.add(bias(prefix + "q_proj.bias", config.queryWidth()));
      tensors.add(bias(prefix + "k_proj.bias", config.keyValueWidth()));
      tensors.add(bias(prefix + "v_proj.bias", config.keyValueWidth()));
    }
    if (variant.outputBias()) {
      tensors.add(bias(prefix + "o_proj.bias", config.hiddenSize()));
    }
  }

  private void addLinear(List<TensorSpec> tensors, String name, int out, int in) {
    tensors.add(new TensorSpec(name, out, in, TensorSpec.Kind.TERNARY));
    if (config.linearNorms()) {
      tensors.add(norm(LlamaConfig.linearNormName(name), in));
    }
  }

  private static TensorSpec bias(String name, int width) {
    return new TensorSpec(name, width, 0, TensorSpec.Kind.BIAS);
  }

  private static TensorSpec norm(String name, int width) {
    return new TensorSpec(name, width, 0, TensorSpec.Kind.NORM);
  }
}
