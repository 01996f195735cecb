package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.JsonFields;
import bitnet.format.JsonFile;
import bitnet.format.safetensors.TensorStore;
import bitnet.model.Activation;
import bitnet.model.ActivationScale;
import bitnet.model.LlamaConfig;
import bitnet.model.ModelFamily;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/// A model directory's `config.json`, with the keys of Hugging Face.
///
/// The classes of [ModelFamily] are read; a model is written as the one that has its pieces. What
/// this toolkit adds is in the object `bitnet`, which other readers ignore.
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
  private static final String ATTENTION_BIAS = "attention_bias";
  private static final String TERNARY_EMBEDDINGS = "ternary_embeddings";
  private static final String TERNARY_HEAD = "ternary_head";
  private static final String SCALE_COLUMNS = "scale_columns";
  private static final String ACTIVATIONS = "activations";
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

  /// This configuration with other dimensions.
  ConfigJson withLlama(LlamaConfig other) {
    return new ConfigJson(other, dtype, quantization, beginTokens, endTokens, toolkit);
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
    ModelFamily family = family(fields);
    Optional<JsonFields> toolkit = fields.fields(TOOLKIT);
    Optional<JsonFields> quantization = fields.fields("quantization_config");
    LlamaConfig llama = llama(fields, family, toolkit, linearNormEpsilon(quantization, toolkit));
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

  private static ModelFamily family(JsonFields fields) throws CheckpointException {
    List<String> classes = fields.texts("architectures");
    String type = fields.text("model_type", "");
    for (ModelFamily family : ModelFamily.values()) {
      boolean typeFits = type.isEmpty() || type.equals(family.modelType());
      boolean classFits = classes.isEmpty() || classes.contains(family.className());
      if (typeFits && classFits && !(type.isEmpty() && classes.isEmpty())) {
        return family;
      }
    }
    throw new CheckpointException(
        fields.file(),
        CheckpointException.quote(
                "architectures %s with model_type \"%s\"".formatted(classes, type))
            + " is not supported; supported are "
            + Arrays.stream(ModelFamily.values())
                .map(family -> "%s (%s)".formatted(family.className(), family.modelType()))
                .collect(Collectors.joining(", ")));
  }

  private static LlamaConfig llama(
      JsonFields fields,
      ModelFamily family,
      Optional<JsonFields> toolkit,
      OptionalDouble linearNormEpsilon)
      throws CheckpointException {
    refuseUnsupported(fields);
    ModelFamily.Defaults defaults = family.defaults();
    try {
      int context =
          fields.integer("max_position_embeddings", 1, Integer.MAX_VALUE, defaults.contextLength());
      int hidden = fields.integer("hidden_size", 1, WIDEST);
      return new LlamaConfig(
          fields.integer("vocab_size", 2, WIDEST),
          hidden,
          fields.integer("num_hidden_layers", 1, DEEPEST),
          context,
          heads(fields, family, hidden, RopeJson.read(fields, defaults.ropeTheta(), context)),
          new LlamaConfig.FeedForward(
              fields.integer("intermediate_size", 1, WIDEST),
              Activation.of(fields.text("hidden_act", defaults.activation().key()))),
          new LlamaConfig.Norms(
              fields.number("rms_norm_eps", defaults.epsilon()),
              family == ModelFamily.BITNET,
              linearNormEpsilon),
          weights(fields.flag("tie_word_embeddings", false), toolkit));
    } catch (IllegalArgumentException invalid) {
      throw new CheckpointException(
          fields.file(), CheckpointException.quote(String.valueOf(invalid.getMessage())), invalid);
    }
  }

  private static LlamaConfig.Weights weights(boolean tied, Optional<JsonFields> toolkit)
      throws CheckpointException {
    if (toolkit.isEmpty()) {
      return new LlamaConfig.Weights(tied, false);
    }
    JsonFields fields = toolkit.get();
    return new LlamaConfig.Weights(
        tied,
        fields.integer(SCALE_COLUMNS, 0, WIDEST, 0),
        fields.flag(TERNARY_EMBEDDINGS, false),
        fields.flag(TERNARY_HEAD, false),
        ActivationScale.of(fields.text(ACTIVATIONS, ActivationScale.INT8.key())));
  }

  private static LlamaConfig.Heads heads(
      JsonFields fields, ModelFamily family, int hidden, RopeJson rope) throws CheckpointException {
    int heads = fields.integer("num_attention_heads", 1, WIDEST);
    boolean isNull = fields.object().has("num_key_value_heads"); // as many as query heads
    int missing = isNull ? 0 : family.defaults().keyValueHeads();
    return new LlamaConfig.Heads(
        heads,
        fields.integer("num_key_value_heads", 1, WIDEST, missing == 0 ? heads : missing),
        headDim(fields, family, hidden, heads),
        rope.theta(),
        family.attention(rope.scaling(), fields.flag(ATTENTION_BIAS, false)));
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

  private static void refuseUnsupported(JsonFields fields) throws CheckpointException {
    if (fields.flag("mlp_bias", false)) {
      throw fields.fault("mlp_bias", "biases of the feed-forward block are not supported");
    }
    // where the flag is false, sliding_window may hold a number without any effect
    if (fields.flag("use_sliding_window", false)) {
      throw fields.fault("use_sliding_window", "windows of attention are not supported");
    }
    for (String type : fields.texts("layer_types")) {
      if (!type.equals("full_attention")) {
        throw fields.fault("layer_types", "only \"full_attention\" is supported");
      }
    }
  }

  private static int headDim(JsonFields fields, ModelFamily family, int hidden, int heads)
      throws CheckpointException {
    int missing = family.defaults().headDim();
    if (!fields.has("head_dim") && missing == 0 && hidden % heads != 0) {
      throw fields.fault(
          "head_dim",
          "hidden_size %d is not a multiple of num_attention_heads %d, so head_dim must be given"
              .formatted(hidden, heads));
    }
    int headDim = fields.integer("head_dim", 2, WIDEST, missing == 0 ? hidden / heads : missing);
    if ((long) heads * headDim > WIDEST) {
      throw fields.fault(
          "num_attention_heads",
          "times head_dim %d it must be at most %d".formatted(headDim, WIDEST));
    }
    return headDim;
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
    ModelFamily family = ModelFamily.of(llama);
    ObjectNode root = JsonFile.MAPPER.createObjectNode();
    root.putArray("architectures").add(family.className());
    root.put("model_type", family.modelType());
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
    new RopeJson(llama.ropeTheta(), llama.heads().variant().scaling()).write(root);
    root.put("tie_word_embeddings", llama.tiedHead());
    root.put(ATTENTION_BIAS, llama.heads().variant().outputBias());
    root.put("mlp_bias", false);
    writeTokens(root, "bos_token_id", beginTokens);
    writeTokens(root, "eos_token_id", endTokens);
    quantization.ifPresent(present -> present.write(root, llama.linearNormEpsilon()));
    ObjectNode extra = toolkit.deepCopy();
    if (llama.ternaryEmbeddings()) {
      extra.put(TERNARY_EMBEDDINGS, true);
    }
    if (llama.hasGroupScales()) {
      extra.put(BlankModelMetadata.FORMAT, BlankModelMetadata.GROUP_VERSION);
      extra.put(SCALE_COLUMNS, llama.weights().scaleColumns());
      extra.put(TERNARY_HEAD, llama.ternaryHead());
    }
    if (llama.hasGroupScales() || llama.weights().activations() != ActivationScale.INT8) {
      extra.put(ACTIVATIONS, llama.weights().activations().key());
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
