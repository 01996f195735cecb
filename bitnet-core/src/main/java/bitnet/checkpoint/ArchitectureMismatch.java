package bitnet.checkpoint;

import bitnet.format.JsonFile;
import bitnet.format.safetensors.TensorStore;
import bitnet.model.ModelFamily;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A possible cause of the failure to open a Hugging Face directory: a config.json that describes
/// another architecture than the weights have.
final class ArchitectureMismatch {
  private static final long LARGEST = 4 << 20;

  private ArchitectureMismatch() {}

  /// Compares the names of the tensors with the architecture; empty if they agree.
  static List<String> of(Path directory) {
    Path file = directory.resolve(ConfigJson.NAME);
    try (TensorStore store = TensorStore.open(directory)) {
      ObjectNode config = JsonFile.read(file, LARGEST);
      List<String> hints = new ArrayList<>();
      boolean subNorms = has(store, ".attn_sub_norm.weight") && has(store, ".ffn_sub_norm.weight");
      String type = config.path("model_type").asText();
      if (type.equals("bitnet") && !subNorms) {
        hints.add(
            file
                + ": model_type is bitnet but the weights have no sub-norms (attn_sub_norm,"
                + " ffn_sub_norm); either they are missing, or this is a LLaMA: model_type llama");
      }
      if (type.equals("llama") && subNorms) {
        hints.add(
            file
                + ": model_type is llama but the weights have sub-norms; that is model_type bitnet"
                + " with hidden_act relu2");
      }
      hints.addAll(attention(file, store, type, config.path("attention_bias").asBoolean(false)));
      boolean linearNorms = has(store, ".rms_norm.weight");
      if (linearNorms != config.at("/quantization_config/use_rms_norm").asBoolean(false)) {
        hints.add(
            file
                + (linearNorms
                    ? ": the linear layers have norms (rms_norm); set use_rms_norm in"
                        + " quantization_config to true"
                    : ": use_rms_norm is true but the linear layers have no norms (rms_norm);"
                        + " either they are missing, or set it to false"));
      }
      if (!has(store, "lm_head.weight") && !config.path("tie_word_embeddings").asBoolean(false)) {
        hints.add(
            file
                + ": tie_word_embeddings is not true but there is no lm_head.weight; the head is"
                + " the embedding, so set it to true");
      }
      return hints;
    } catch (IOException unreadable) {
      return List.of(); // the first finding has named it
    }
  }

  /// Norms of q and k, and biases, that do not fit the type.
  private static List<String> attention(
      Path file, TensorStore store, String type, boolean attentionBias) {
    List<String> hints = new ArrayList<>();
    boolean headNorms = has(store, ".self_attn.q_norm.weight");
    boolean qwen3 = type.equals(ModelFamily.QWEN3.modelType());
    boolean qwen2 = type.equals(ModelFamily.QWEN2.modelType());
    if (qwen3 && !headNorms) {
      hints.add(
          file
              + ": model_type is qwen3 but the weights have no q_norm and k_norm; either they are"
              + " missing, or this is a qwen2 or a llama");
    }
    if (!qwen3 && headNorms) {
      hints.add(
          "%s: model_type is %s but the weights have q_norm and k_norm; that is model_type qwen3"
              .formatted(file, type));
    }
    boolean inputs = has(store, ".self_attn.q_proj.bias");
    boolean output = has(store, ".self_attn.o_proj.bias");
    if (qwen2 && !inputs) {
      hints.add(
          file
              + ": model_type is qwen2 but the weights have no biases of q, k and v; either they"
              + " are missing, or this is a llama");
    }
    if (!qwen2 && inputs && !output) {
      hints.add(
          "%s: model_type is %s but the weights have biases of q, k and v only; that is model_type"
                  .formatted(file, type)
              + " qwen2");
    }
    if (!qwen2 && inputs && output && !attentionBias) {
      hints.add(file + ": the weights have biases of attention; set attention_bias to true");
    }
    return hints;
  }

  private static boolean has(TensorStore store, String ending) {
    return store.entries().stream().anyMatch(entry -> entry.name().endsWith(ending));
  }
}
