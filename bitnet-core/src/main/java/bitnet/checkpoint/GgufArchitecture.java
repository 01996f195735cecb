package bitnet.checkpoint;

import bitnet.model.Activation;
import bitnet.model.ModelFamily;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The architectures of GGUF files whose models this toolkit can compute.
enum GgufArchitecture {
  /// LLaMA and its like.
  LLAMA("llama", ModelFamily.LLAMA, Activation.SILU),
  /// BitNet b1.58 with sub-norms.
  BITNET("bitnet", ModelFamily.BITNET, Activation.SILU),
  /// BitNet b1.58 2B4T in microsoft/BitNet's fork of llama.cpp.
  BITNET_158("bitnet-b1.58", ModelFamily.BITNET, Activation.RELU_SQUARED),
  /// The same under an older name.
  BITNET_25("bitnet-25", ModelFamily.BITNET, Activation.RELU_SQUARED),
  /// Qwen 2 and 2.5.
  QWEN2("qwen2", ModelFamily.QWEN2, Activation.SILU),
  /// Qwen 3 and Bonsai.
  QWEN3("qwen3", ModelFamily.QWEN3, Activation.SILU);

  private final String key;
  private final ModelFamily family;
  private final Activation activation;

  GgufArchitecture(String key, ModelFamily family, Activation activation) {
    this.key = key;
    this.family = family;
    this.activation = activation;
  }

  /// The value of `general.architecture`.
  String key() {
    return key;
  }

  /// The family of its models.
  ModelFamily family() {
    return family;
  }

  /// Whether there are sub-norms; the head then always is the embedding.
  boolean hasSubNorms() {
    return family == ModelFamily.BITNET;
  }

  /// The gate's nonlinearity where the metadata do not name one.
  Activation activation() {
    return activation;
  }

  /// Whether the rows of q and k lie as ggml's RoPE wants them, which turns neighbours and not
  /// halves; see [RotaryOrder].
  boolean hasNeighbours() {
    return this == LLAMA;
  }

  static Optional<GgufArchitecture> of(String key) {
    return Arrays.stream(values()).filter(architecture -> architecture.key.equals(key)).findFirst();
  }

  /// The architecture in which a family is written.
  static GgufArchitecture of(ModelFamily family) {
    return switch (family) {
      case LLAMA -> LLAMA;
      case BITNET -> BITNET;
      case QWEN2 -> QWEN2;
      case QWEN3 -> QWEN3;
    };
  }

  static List<String> keys() {
    return Arrays.stream(values()).map(GgufArchitecture::key).toList();
  }
}
