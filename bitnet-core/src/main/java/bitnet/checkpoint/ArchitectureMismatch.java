package bitnet.checkpoint;

import bitnet.format.JsonFile;
import bitnet.format.safetensors.TensorStore;
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
      boolean linearNorms = has(store, ".rms_norm.weight");
      if (linearNorms != config.at("/quantization_config/use_rms_norm").asBoolean(false)) {
        hints.add(
            file
                + (linearNorms
                    ? ": the linear layers have norms (rms_norm); set use_rms_norm in"
                        + " quantization_config to true"
                    : ": use_rms_norm is true but the linear layers have no norms (rms_norm); either"
                        + " they are missing, or set it to false"));
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

  private static boolean has(TensorStore store, String ending) {
    return store.entries().stream().anyMatch(entry -> entry.name().endsWith(ending));
  }
}
