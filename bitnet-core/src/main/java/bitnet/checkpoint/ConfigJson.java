package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.JsonFields;
import bitnet.format.JsonFile;
import bitnet.format.safetensors.TensorStore;
import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// A model directory's `config.json`, with the keys of Hugging Face.
///
/// `LlamaForCausalLM` and `BitNetForCausalLM` are read; a model with sub-norms is written as the
/// latter. What this toolkit adds is in the object `bitnet`, which other readers ignore.
///
/// @param llama the dimensions
/// @param dtype the type of the stored floating-point weights
/// @param quantization the quantization, if the file names one
/// @param beginTokens `bos_token_id`: none or one
/// @param endTokens `eos_token_id`: none, one or several
/// @param toolkit the object `bitnet`, for example the seed of a blank model; may be empty
public record ConfigJson(
    LlamaConfig llama,
    DType dtype,
    Optional<Quantization> quantization,
    List<Integer> beginTokens,
    List<Integer> endTokens,
    ObjectNode toolkit) {

  /// The file's name in a directory.
  public static final String NAME = "config.json";

  private static final String TOOLKIT = "bitnet";
  private static final String TERNARY_EMBEDDINGS = "ternary_embeddings";
  private static final String LINEAR_NORM_EPSILON = "linear_norm_eps";
  private static final long LARGEST = 4 << 20;
  // Far above any model, far below where a product of two overflows or a list of tensors is a
  // burden.
  private static final int WIDEST = 1 << 24;
  private static final int DEEPEST = 10_000;
  private static final int TENSORS_PER_LAYER = 9; // at least: seven linear layers, two norms

  private static final Map<DType, String> DTYPES =
      Map.of(
          DType.F64, "float64", DType.F32, "float32", DType.F16, "float16", DType.BF16, "bfloat16");

  /// The architectures that can be read, with transformers' defaults.
  private enum Architecture {
    LLAMA("llama", "LlamaForCausalLM", Activation.SILU, 1e-6, 10_000),
    BITNET("bitnet", "BitNetForCausalLM", Activation.RELU_SQUARED, 1e-5, 500_000);

    final String modelType;
    final String className;
    final Activation activation;
    final double epsilon;
    final double ropeTheta;

    Architecture(
        String modelType,
        String className,
        Activation activation,
        double epsilon,
        double ropeTheta) {
      this.modelType = modelType;
      this.className = className;
      this.activation = activation;
      this.epsilon = epsilon;
      this.ropeTheta = ropeTheta;
    }
  }

  /// Copies what is mutable.
  ///
  /// @throws IllegalArgumentException if dtype is not a floating-point type
  public ConfigJson {
    if (!dtype.isFloat()) {
      throw new IllegalArgumentException(
          "dtype %s is not a floating-point type; use F32 or BF16".formatted(dtype));
    }
    beginTokens = List.copyOf(beginTokens);
    endTokens = List.copyOf(endTokens);
    toolkit = toolkit.deepCopy();
  }

  /// A configuration without special tokens, quantization and toolkit object.
  public static ConfigJson of(LlamaConfig llama, DType dtype) {
    return new ConfigJson(
        llama, dtype, Optional.empty(), List.of(), List.of(), JsonFile.MAPPER.createObjectNode());
  }

  @Override
  public ObjectNode toolkit() {
    return toolkit.deepCopy();
  }

  /// Refuses a config with more layers than the tensors can make, before anything is allocated for
  /// each of them.
  static void requireLayers(LlamaConfig llama, TensorStore tensors) throws CheckpointException {
    if ((long) llama.layerCount() * TENSORS_PER_LAYER > tensors.entries().size()) {
      throw new CheckpointException(
          tensors.directory().resolve(NAME),
          "num_hidden_layers is %d, but the files hold only %d tensors"
              .formatted(llama.layerCount(), tensors.entries().size()));
    }
  }

  /// Reads a file.
  ///
  /// @throws java.nio.file.NoSuchFileException if the file does not exist
  /// @throws CheckpointException if a field is missing, of a wrong type, out of range or asks for
  ///     something that is not supported; it names file, field, value and remedy
  public static ConfigJson read(Path file) throws IOException {
    JsonFields fields = new JsonFields(file, "", JsonFile.read(file, LARGEST));
    Architecture architecture = architecture(fields);
    Optional<JsonFields> toolkit = fields.fields(TOOLKIT);
    Optional<JsonFields> quantization = fields.fields("quantization_config");
    LlamaConfig llama =
        llama(fields, architecture, toolkit, linearNormEpsilon(quantization, toolkit));
    return new ConfigJson(
        llama,
        dtype(fields),
        quantization.isPresent()
            ? Optional.of(Quantization.read(quantization.get()))
            : Optional.empty(),
        fields.integers("bos_token_id"),
        fields.integers("eos_token_id"),
        toolkit.map(JsonFields::object).orElseGet(JsonFile.MAPPER::createObjectNode));
  }

  private static Architecture architecture(JsonFields fields) throws CheckpointException {
    List<String> classes = fields.texts("architectures");
    String type = fields.text("model_type", "");
    for (Architecture architecture : Architecture.values()) {
      boolean typeFits = type.isEmpty() || type.equals(architecture.modelType);
      boolean classFits = classes.isEmpty() || classes.contains(architecture.className);
      if (typeFits && classFits && !(type.isEmpty() && classes.isEmpty())) {
        return architecture;
      }
    }
    throw new CheckpointException(
        fields.file(),
        CheckpointException.quote(
                "architectures %s with model_type \"%s\"".formatted(classes, type))
            + " is not supported; supported are LlamaForCausalLM (llama) and BitNetForCausalLM"
            + " (bitnet)");
  }

  private static LlamaConfig llama(
      JsonFields fields,
      Architecture architecture,
      Optional<JsonFields> toolkit,
      OptionalDouble linearNormEpsilon)
      throws CheckpointException {
    refuseBiases(fields);
    int hidden = fields.integer("hidden_size", 1, WIDEST);
    int heads = fields.integer("num_attention_heads", 1, WIDEST);
    try {
      return new LlamaConfig(
          fields.integer("vocab_size", 2, WIDEST),
          hidden,
          fields.integer("num_hidden_layers", 1, DEEPEST),
          fields.integer("max_position_embeddings", 1, Integer.MAX_VALUE, 2048),
          new LlamaConfig.Heads(
              heads,
              fields.integer("num_key_value_heads", 1, WIDEST, heads),
              headDim(fields, hidden, heads),
              ropeTheta(fields, architecture.ropeTheta)),
          new LlamaConfig.FeedForward(
              fields.integer("intermediate_size", 1, WIDEST),
              Activation.of(fields.text("hidden_act", architecture.activation.key()))),
          new LlamaConfig.Norms(
              fields.number("rms_norm_eps", architecture.epsilon),
              architecture == Architecture.BITNET,
              linearNormEpsilon),
          new LlamaConfig.Embeddings(
              fields.flag("tie_word_embeddings", false),
              toolkit.isPresent() && toolkit.get().flag(TERNARY_EMBEDDINGS, false)));
    } catch (IllegalArgumentException invalid) {
      throw new CheckpointException(
          fields.file(), CheckpointException.quote(String.valueOf(invalid.getMessage())), invalid);
    }
  }

  /// Transformers keeps it in `quantization_config`, which a directory of this toolkit has not.
  private static OptionalDouble linearNormEpsilon(
      Optional<JsonFields> quantization, Optional<JsonFields> toolkit) throws CheckpointException {
    if (quantization.isPresent()) {
      return Quantization.linearNormEpsilon(quantization.get());
    }
    return toolkit.isPresent() && toolkit.get().has(LINEAR_NORM_EPSILON)
        ? OptionalDouble.of(toolkit.get().number(LINEAR_NORM_EPSILON, 0))
        : OptionalDouble.empty();
  }

  private static void refuseBiases(JsonFields fields) throws CheckpointException {
    for (String key : List.of("attention_bias", "mlp_bias")) {
      if (fields.flag(key, false)) {
        throw fields.fault(key, "biases are not supported");
      }
    }
  }

  private static int headDim(JsonFields fields, int hidden, int heads) throws CheckpointException {
    if (!fields.has("head_dim") && hidden % heads != 0) {
      throw fields.fault(
          "head_dim",
          "hidden_size %d is not a multiple of num_attention_heads %d, so head_dim must be given"
              .formatted(hidden, heads));
    }
    int headDim = fields.integer("head_dim", 2, WIDEST, hidden / heads);
    if ((long) heads * headDim > WIDEST) {
      throw fields.fault(
          "num_attention_heads",
          "times head_dim %d it must be at most %d".formatted(headDim, WIDEST));
    }
    return headDim;
  }

  /// `rope_theta` is at the top level (transformers 4) or in `rope_parameters` (5).
  private static double ropeTheta(JsonFields fields, double fallback) throws CheckpointException {
    double theta = fields.number("rope_theta", fallback);
    if (fields.number("partial_rotary_factor", 1) != 1) {
      throw fields.fault("partial_rotary_factor", "only 1 is supported");
    }
    for (String key : List.of("rope_scaling", "rope_parameters")) {
      Optional<JsonFields> found = fields.fields(key);
      if (found.isEmpty()) {
        continue;
      }
      JsonFields rope = found.get();
      for (String type : List.of("rope_type", "type")) {
        if (!rope.text(type, "default").equals("default")) {
          throw rope.fault(type, "rope scaling is not supported; only \"default\" is");
        }
      }
      boolean named = rope.has("rope_type") || rope.has("type");
      if (!named && rope.number("factor", 1) != 1) {
        throw rope.fault("factor", "rope scaling is not supported; only 1 is");
      }
      if (rope.number("partial_rotary_factor", 1) != 1) {
        throw rope.fault("partial_rotary_factor", "only 1 is supported");
      }
      double inner = rope.number("rope_theta", theta);
      if (fields.has("rope_theta") && inner != theta) {
        throw rope.fault("rope_theta", "the top level says %s; remove one".formatted(theta));
      }
      theta = inner;
    }
    return theta;
  }

  private static DType dtype(JsonFields fields) throws CheckpointException {
    String key = fields.has("dtype") ? "dtype" : "torch_dtype";
    String name = fields.text(key, "float32");
    return DTYPES.entrySet().stream()
        .filter(entry -> entry.getValue().equals(name))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () ->
                fields.fault(
                    key,
                    "it must be one of %s".formatted(DTYPES.values().stream().sorted().toList())));
  }

  /// Writes the file; an existing one is replaced atomically.
  public void write(Path file) throws IOException {
    Architecture architecture = llama.subNorms() ? Architecture.BITNET : Architecture.LLAMA;
    ObjectNode root = JsonFile.MAPPER.createObjectNode();
    root.putArray("architectures").add(architecture.className);
    root.put("model_type", architecture.modelType);
    root.put("dtype", DTYPES.get(dtype));
    root.put("vocab_size", llama.vocabSize());
    root.put("hidden_size", llama.hiddenSize());
    root.put("intermediate_size", llama.intermediateSize());
    root.put("num_hidden_layers", llama.layerCount());
    root.put("num_attention_heads", llama.headCount());
    root.put("num_key_value_heads", llama.keyValueHeadCount());
    root.put("head_dim", llama.headDim());
    root.put("hidden_act", llama.activation().key());
    root.put("max_position_embeddings", llama.contextLength());
    root.put("rms_norm_eps", llama.rmsNormEpsilon());
    root.put("rope_theta", llama.ropeTheta());
    root.put("tie_word_embeddings", llama.tiedHead());
    root.put("attention_bias", false);
    root.put("mlp_bias", false);
    writeTokens(root, "bos_token_id", beginTokens);
    writeTokens(root, "eos_token_id", endTokens);
    quantization.ifPresent(present -> present.write(root, llama.linearNormEpsilon()));
    ObjectNode extra = toolkit.deepCopy();
    if (llama.ternaryEmbeddings()) {
      extra.put(TERNARY_EMBEDDINGS, true);
    }
    if (llama.linearNorms() && quantization.isEmpty()) {
      extra.put(LINEAR_NORM_EPSILON, llama.linearNormEpsilon().getAsDouble());
    }
    if (!extra.isEmpty()) {
      root.set(TOOLKIT, extra);
    }
    JsonFile.write(file, root);
  }

  /// As Hugging Face writes them: `null`, a number, or a list of numbers.
  private static void writeTokens(ObjectNode root, String key, List<Integer> tokens) {
    switch (tokens.size()) {
      case 0 -> root.putNull(key);
      case 1 -> root.put(key, tokens.getFirst());
      default -> {
        ArrayNode list = root.putArray(key);
        tokens.forEach(list::add);
      }
    }
  }
}
