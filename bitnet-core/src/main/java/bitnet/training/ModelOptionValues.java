package bitnet.training;

import bitnet.model.Activation;
import bitnet.model.AttentionVariant;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.storage.ContentDigest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/// The dimensions of a model as [OptionValues], named as in `config.json`.
public final class ModelOptionValues {
  private static final String PREFIX = "model.";
  private static final String NONE = "none";
  private static final long DIGEST_BYTES = 1 << 30; // hashed at a time, as a buffer holds 2 GB

  private ModelOptionValues() {}

  /// The dimensions, each an option that begins with `model.`.
  public static OptionValues of(LlamaConfig config) {
    OptionValues values = new OptionValues();
    for (Object[] each :
        new Object[][] {
          {"vocab_size", config.vocabSize()},
          {"hidden_size", config.hiddenSize()},
          {"intermediate_size", config.intermediateSize()},
          {"num_hidden_layers", config.layerCount()},
          {"num_attention_heads", config.headCount()},
          {"num_key_value_heads", config.keyValueHeadCount()},
          {"head_dim", config.headDim()},
          {"max_position_embeddings", config.contextLength()},
          {"rms_norm_eps", config.rmsNormEpsilon()},
          {"rope_theta", config.ropeTheta()},
          {"hidden_act", config.activation().key()},
          {"sub_norms", config.subNorms()},
          {"tie_word_embeddings", config.tiedHead()},
          {"ternary_embeddings", config.ternaryEmbeddings()},
        }) {
      values.put(PREFIX + each[0], each[1]);
    }
    AttentionVariant attention = config.heads().variant();
    values.put(
        PREFIX + "attention", attention.equals(AttentionVariant.LLAMA) ? NONE : attention, NONE);
    values.put(PREFIX + "scale_columns", config.weights().scaleColumns(), 0);
    values.put(PREFIX + "activations", config.weights().activations().key(), "int8");
    Object inner =
        config.linearNormEpsilon().isPresent() ? config.linearNormEpsilon().getAsDouble() : NONE;
    return values.put(PREFIX + "linear_norm_eps", inner, NONE);
  }

  /// A short name of the latent weights of a model: the beginning of the SHA-256 of all of them.
  ///
  /// @throws IOException if a weight cannot be read
  public static String digest(LatentWeights weights) throws IOException {
    ContentDigest digest = new ContentDigest();
    for (TensorSpec tensor : weights.config().tensors()) {
      try (Arena arena = Arena.ofShared()) {
        MemorySegment values = arena.allocate(tensor.count() * Float.BYTES, Float.BYTES);
        weights.read(tensor, values);
        for (long first = 0; first < values.byteSize(); first += DIGEST_BYTES) {
          long bytes = Math.min(DIGEST_BYTES, values.byteSize() - first);
          digest.update(values.asSlice(first, bytes).asByteBuffer());
        }
      }
    }
    return digest.hex();
  }

  /// The same of the text between the brackets of `LlamaConfig[...]`, as version 0.1.0 wrote it.
  static Map<String, String> former(String text) {
    Map<String, String> parts = new LinkedHashMap<>();
    for (String part : text.split(", ", -1)) {
      int equals = part.indexOf('=');
      if (equals > 0) {
        parts.put(part.substring(0, equals), part.substring(equals + 1));
      }
    }
    LlamaConfig config =
        LlamaConfig.of(
                integer(parts, "vocabSize"),
                integer(parts, "headCount") * 2,
                integer(parts, "intermediateSize"),
                integer(parts, "layerCount"),
                integer(parts, "headCount"))
            .withKeyValueHeads(integer(parts, "keyValueHeadCount"))
            .withContextLength(integer(parts, "contextLength"))
            .withRmsNormEpsilon(Double.parseDouble(parts.getOrDefault("rmsNormEpsilon", "1e-5")))
            .withRopeTheta(Double.parseDouble(parts.getOrDefault("ropeTheta", "1e4")))
            .withActivation(Activation.valueOf(parts.getOrDefault("activation", "SILU")))
            .withTiedHead(Boolean.parseBoolean(parts.getOrDefault("tiedHead", "")))
            .withTernaryEmbeddings(
                Boolean.parseBoolean(parts.getOrDefault("ternaryEmbeddings", "")));
    Map<String, String> values = new LinkedHashMap<>(of(config).values());
    values.put(PREFIX + "hidden_size", parts.getOrDefault("hiddenSize", ""));
    values.put(PREFIX + "head_dim", parts.getOrDefault("headDim", ""));
    values.put(PREFIX + "sub_norms", parts.getOrDefault("subNorms", ""));
    String inner = parts.getOrDefault("linearNormEpsilon", "OptionalDouble.empty");
    if (!inner.equals("OptionalDouble.empty")) {
      double epsilon = Double.parseDouble(inner.replaceAll("OptionalDouble\\[|\\]", ""));
      values.putAll(new OptionValues().put(PREFIX + "linear_norm_eps", epsilon).values());
    }
    return values;
  }

  private static int integer(Map<String, String> parts, String name) {
    return Integer.parseInt(parts.getOrDefault(name, "0"));
  }
}
