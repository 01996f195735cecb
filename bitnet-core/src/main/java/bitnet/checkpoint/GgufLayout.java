package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufMetadata;
import bitnet.format.gguf.GgufTensor;
import bitnet.format.gguf.GgufType;
import bitnet.model.Activation;
import bitnet.model.ActivationScale;
import bitnet.model.AttentionVariant;
import bitnet.model.LlamaConfig;
import bitnet.model.ModelFamily;
import bitnet.model.TensorSpec;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// How a GGUF file of an architecture stores a model.
///
/// @param architecture by `general.architecture`
/// @param config the model's dimensions
record GgufLayout(GgufArchitecture architecture, LlamaConfig config) {
  static final String EMBEDDING = "token_embd.weight";
  static final String HEAD = "output.weight";
  static final String ACTIVATION_KEY = "hidden_activation";
  static final String ACTIVATIONS_KEY = "bitnet.activations"; // not in llama.cpp

  private static final String ROTATION = "prism.hadamard.";
  private static final String LAYERS = "model.layers.";
  private static final int WIDEST = 1 << 24;
  private static final int DEEPEST = 10_000;
  private static final double ROPE_THETA = 10_000; // llama.cpp's default

  private static final Map<String, String> OUTER =
      Map.of(
          "model.embed_tokens.weight",
          EMBEDDING,
          "model.norm.weight",
          "output_norm.weight",
          "lm_head.weight",
          HEAD);
  private static final Map<String, String> INNER =
      Map.ofEntries(
          Map.entry("input_layernorm", "attn_norm"),
          Map.entry("self_attn.q_proj", "attn_q"),
          Map.entry("self_attn.k_proj", "attn_k"),
          Map.entry("self_attn.v_proj", "attn_v"),
          Map.entry("self_attn.o_proj", "attn_output"),
          Map.entry("self_attn.q_norm", "attn_q_norm"),
          Map.entry("self_attn.k_norm", "attn_k_norm"),
          Map.entry("self_attn.attn_sub_norm", "attn_sub_norm"),
          Map.entry("post_attention_layernorm", "ffn_norm"),
          Map.entry("mlp.gate_proj", "ffn_gate"),
          Map.entry("mlp.up_proj", "ffn_up"),
          Map.entry("mlp.down_proj", "ffn_down"),
          Map.entry("mlp.ffn_sub_norm", "ffn_sub_norm"));

  /// The name in the file.
  static String name(TensorSpec tensor) {
    String outer = OUTER.get(tensor.name());
    if (outer != null) {
      return outer;
    }
    String rest = tensor.name().substring(LAYERS.length());
    int dot = rest.indexOf('.');
    int ending = rest.lastIndexOf('.');
    String inner = rest.substring(dot + 1, ending);
    return "blk.%s.%s%s"
        .formatted(rest.substring(0, dot), INNER.get(inner), rest.substring(ending));
  }

  /// The order of a tensor's rows in the file; of a bias, of its values.
  RotaryOrder order(TensorSpec tensor) {
    boolean turned = tensor.name().contains(".q_proj.") || tensor.name().contains(".k_proj.");
    return turned && architecture.hasNeighbours()
        ? new RotaryOrder(config.headDim(), true)
        : RotaryOrder.SAME;
  }

  /// Reads the dimensions from a file's metadata. Nothing is believed that would make a list longer
  /// than the file has tensors.
  ///
  /// @throws CheckpointException if a key is missing, wrong or asks for something that is not
  ///     supported
  static GgufLayout read(GgufFile file) throws CheckpointException {
    GgufMetadata metadata = file.metadata();
    String name = metadata.text("general.architecture");
    GgufArchitecture architecture =
        GgufArchitecture.of(name)
            .orElseThrow(
                () ->
                    metadata.fault(
                        "general.architecture",
                        "is \"%s\"; supported are %s"
                            .formatted(
                                CheckpointException.quote(name),
                                String.join(", ", GgufArchitecture.keys()))));
    try {
      return new GgufLayout(architecture, config(file, architecture));
    } catch (IllegalArgumentException invalid) {
      throw new CheckpointException(file.path(), String.valueOf(invalid.getMessage()), invalid);
    }
  }

  private static LlamaConfig config(GgufFile file, GgufArchitecture architecture)
      throws CheckpointException {
    GgufMetadata metadata = file.metadata();
    String prefix = architecture.key() + ".";
    int context = metadata.integer(prefix + "context_length", 1, Integer.MAX_VALUE);
    refuseUnsupported(metadata, prefix, context);
    int hidden = metadata.integer(prefix + "embedding_length", 1, WIDEST);
    int layers = metadata.integer(prefix + "block_count", 1, DEEPEST);
    if (layers > file.tensors().size()) {
      throw metadata.fault(
          prefix + "block_count",
          "is %d but the file holds %d tensors".formatted(layers, file.tensors().size()));
    }
    double epsilon = metadata.number(prefix + "attention.layer_norm_rms_epsilon", 1e-5);
    return new LlamaConfig(
        vocabSize(file, metadata, prefix, hidden),
        hidden,
        layers,
        context,
        heads(file, architecture, hidden, context),
        new LlamaConfig.FeedForward(
            metadata.integer(prefix + "feed_forward_length", 1, WIDEST),
            Activation.of(metadata.text(prefix + ACTIVATION_KEY, architecture.activation().key()))),
        new LlamaConfig.Norms(epsilon, architecture.hasSubNorms(), OptionalDouble.empty()),
        weights(file, architecture));
  }

  /// With group scales, those types whose scales are the model's own. Such models are ternary in
  /// their weights only.
  private static LlamaConfig.Weights weights(GgufFile file, GgufArchitecture architecture)
      throws CheckpointException {
    boolean tied = architecture.hasSubNorms() || file.find(HEAD).isEmpty();
    int columns = 0;
    for (GgufTensor tensor : file.tensors()) {
      boolean linear = tensor.shape().size() == 2 && tensor.name().startsWith("blk.");
      int found = tensor.type().hasGroupScales() ? tensor.type().blockValues() : 0;
      if (linear && columns > 0 && found != columns) {
        throw CheckpointException.ofTensor(
            file.path(),
            tensor.name(),
            "holds %s, but layers before it have a scale for %d values; all must be of one kind"
                .formatted(tensor.type(), columns));
      }
      columns = linear ? found : columns;
    }
    if (columns == 0) {
      return new LlamaConfig.Weights(tied, false);
    }
    return new LlamaConfig.Weights(
        tied,
        columns,
        file.require(EMBEDDING).type().hasGroupScales(),
        !tied && file.require(HEAD).type().hasGroupScales(),
        ActivationScale.of(
            file.metadata().text(ACTIVATIONS_KEY, ActivationScale.INT8_GROUP.key())));
  }

  private static LlamaConfig.Heads heads(
      GgufFile file, GgufArchitecture architecture, int hidden, int context)
      throws CheckpointException {
    GgufMetadata metadata = file.metadata();
    String prefix = architecture.key() + ".";
    int heads = metadata.integer(prefix + "attention.head_count", 1, WIDEST);
    LlamaConfig.Heads plain =
        new LlamaConfig.Heads(
            heads,
            metadata.integer(prefix + "attention.head_count_kv", 1, WIDEST, heads),
            headDim(metadata, prefix, hidden, heads),
            metadata.number(prefix + "rope.freq_base", ROPE_THETA));
    return new LlamaConfig.Heads(
        heads,
        plain.keyValueCount(),
        plain.dim(),
        plain.ropeTheta(),
        new AttentionVariant(
            GgufRope.read(file, prefix, plain, context),
            architecture.family().queryKeyNorms(),
            architecture == GgufArchitecture.QWEN2 || file.find("blk.0.attn_q.bias").isPresent(),
            file.find("blk.0.attn_output.bias").isPresent()));
  }

  private static void refuseUnsupported(GgufMetadata metadata, String prefix, int context)
      throws CheckpointException {
    if (metadata.integer(prefix + "expert_count", 0, Integer.MAX_VALUE, 0) > 0) {
      throw metadata.fault(prefix + "expert_count", "is not 0; experts are not supported");
    }
    Optional<String> rotated = metadata.keys().filter(key -> key.startsWith(ROTATION)).findFirst();
    if (rotated.isPresent()) {
      throw metadata.fault(
          rotated.get(),
          "says that the weights are rotated (Hadamard); that is not supported, and their plain"
              + " product is nonsense: use a file that is not rotated");
    }
    String causal = prefix + "attention.causal";
    if (!metadata.flag(causal, true)) {
      throw metadata.fault(causal, "is false; only causal attention is supported");
    }
    String window = prefix + "attention.sliding_window";
    int tokens = metadata.integer(window, 0, Integer.MAX_VALUE, 0);
    if (tokens > 0 && tokens < context) {
      throw metadata.fault(
          window,
          "is %d, less than the context; windows of attention are not supported".formatted(tokens));
    }
  }

  private static int vocabSize(GgufFile file, GgufMetadata metadata, String prefix, int hidden)
      throws CheckpointException {
    GgufTensor embedding = file.require(EMBEDDING);
    if (embedding.shape().size() != 2
        || embedding.columns() != hidden
        || embedding.rows() > WIDEST) {
      throw CheckpointException.ofTensor(
          file.path(),
          EMBEDDING,
          "has shape %s; it must be [tokens, %d] with at most %d tokens"
              .formatted(embedding.shape(), hidden, WIDEST));
    }
    int rows = (int) embedding.rows();
    if (metadata.integer(prefix + "vocab_size", 1, WIDEST, rows) != rows) {
      throw metadata.fault(
          prefix + "vocab_size", "is not the %d rows of %s".formatted(rows, EMBEDDING));
    }
    return rows;
  }

  private static int headDim(GgufMetadata metadata, String prefix, int hidden, int heads)
      throws CheckpointException {
    String key = prefix + "attention.key_length";
    if (!metadata.has(key) && hidden % heads != 0) {
      throw metadata.fault(
          key,
          "needed, since embedding_length %d is not a multiple of head_count %d"
              .formatted(hidden, heads));
    }
    int headDim = metadata.integer(key, 2, WIDEST, hidden / heads);
    for (String other : new String[] {"attention.value_length", "rope.dimension_count"}) {
      if (metadata.integer(prefix + other, 1, WIDEST, headDim) != headDim) {
        throw metadata.fault(
            prefix + other, "is not the %d of a head; that is not supported".formatted(headDim));
      }
    }
    if ((long) heads * headDim > WIDEST) {
      throw metadata.fault(
          prefix + "attention.head_count",
          "times the %d of a head must be at most %d".formatted(headDim, WIDEST));
    }
    return headDim;
  }

  /// The tensor of a parameter.
  ///
  /// @throws CheckpointException if it is missing, has another shape or a type that cannot be read
  GgufTensor require(GgufFile file, TensorSpec tensor) throws CheckpointException {
    GgufTensor stored = file.require(name(tensor));
    if (!stored.hasShape(tensor.shape())) {
      throw CheckpointException.ofTensor(
          file.path(),
          stored.name(),
          "has shape %s but the metadata make it %s"
              .formatted(stored.shape(), GgufTensor.of("", GgufType.F32, tensor.shape()).shape()));
    }
    if (!stored.type().isReadable()) {
      throw CheckpointException.ofTensor(
          file.path(),
          stored.name(),
          "holds %s; supported are %s, so export the model again in one of these"
              .formatted(stored.type(), GgufType.readable()));
    }
    return stored;
  }

  /// Why a file of this toolkit's making cannot hold a model; empty if it can.
  static Optional<String> exportFault(LlamaConfig config) {
    AttentionVariant attention = config.heads().variant();
    if (attention.outputBias() && ModelFamily.of(config) != ModelFamily.LLAMA) {
      return Optional.of(
          "a model with biases and with norms of q and k, or sub-norms, has no GGUF form:"
              + " llama.cpp's architecture %s has no biases; use an hf format"
                  .formatted(GgufArchitecture.of(ModelFamily.of(config)).key()));
    }
    Optional<String> rope = GgufRope.exportFault(config);
    if (rope.isPresent()) {
      return rope;
    }
    if (config.linearNorms()) {
      return Optional.of(
          "a model with norms inside its linear layers (use_rms_norm) has no GGUF form: no"
              + " architecture of llama.cpp has them; use an hf format");
    }
    if (config.subNorms() && !config.tiedHead()) {
      return Optional.of(
          "a model with sub-norms and a head of its own has no GGUF form: llama.cpp's architecture"
              + " bitnet takes the embedding as head; use an hf format");
    }
    if (!config.subNorms() && config.activation() != Activation.SILU) {
      return Optional.of(
          "hidden_act %s without sub-norms has no GGUF form: llama.cpp's architecture %s has silu"
                  .formatted(
                      config.activation().key(), GgufArchitecture.of(ModelFamily.of(config)).key())
              + " only; use an hf format");
    }
    return Optional.empty();
  }
}
