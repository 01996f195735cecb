package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.FloatConversion;
import bitnet.format.safetensors.TensorEntry;
import bitnet.format.safetensors.TensorStore;
import bitnet.model.ActivationScale;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernarizedWeights;
import bitnet.quantization.RowGroupPacking;
import bitnet.quantization.TernaryQuantizer;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/// A directory as Hugging Face's `save_pretrained` writes it: a class of
/// [bitnet.model.ModelFamily] in safetensors, with latent weights (no quantization_config, or
/// `autobitlinear` in `online` mode) or packed ones (`bitlinear`, or `autobitlinear` in `offline`
/// mode, whose scales are each other's inverse).
///
/// Names, types and dimensions are checked when it is opened, the content of a tensor when it is
/// read. Several threads may read at once.
public final class HuggingFaceDirectory implements StoredModel {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  private final Path path;
  private final ConfigJson json;
  private final TensorStore tensors;
  private final Optional<Quantization> packing;

  private HuggingFaceDirectory(Path path, ConfigJson json, TensorStore tensors) {
    this.path = path;
    this.json = json;
    this.tensors = tensors;
    this.packing = json.quantization().filter(quantization -> !quantization.isLatent());
  }

  /// Opens a directory and checks that it holds every tensor of the model in its shape, and no
  /// tensor that the model would ignore.
  ///
  /// @throws NoSuchFileException if the directory does not exist
  /// @throws CheckpointException if it is damaged or of an unsupported kind, saying what was found
  ///     and what is supported
  public static HuggingFaceDirectory open(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      throw new NoSuchFileException(directory.toString());
    }
    Path config = directory.resolve(ConfigJson.NAME);
    if (!Files.exists(config)) {
      throw new CheckpointException(
          directory,
          "has no config.json; a Hugging Face model directory holds config.json and"
              + " model.safetensors");
    }
    ConfigJson json = ConfigJson.read(config);
    requireSafetensors(directory);
    TensorStore tensors = TensorStore.open(directory);
    HuggingFaceDirectory opened = new HuggingFaceDirectory(directory, json, tensors);
    try {
      ConfigJson.requireLayers(json.llama(), tensors);
      checkQuantization(config, json);
      opened.checkTensors();
      boolean unknown = json.quantization().isEmpty() && !json.llama().hasGroupScales();
      return unknown ? opened.withGroupScales() : opened;
    } catch (IOException | RuntimeException failure) {
      tensors.close();
      throw failure;
    }
  }

  /// This model with group scales, if its weights have such: only their values tell.
  private HuggingFaceDirectory withGroupScales() throws IOException {
    LlamaConfig config = json.llama();
    TensorSpec linear =
        config.tensors().stream()
            .filter(tensor -> tensor.kind() == TensorSpec.Kind.TERNARY)
            .findFirst()
            .orElseThrow();
    OptionalInt columns = FloatGroupTrits.groupColumns(linear, reader(linear));
    if (columns.isEmpty()) {
      return this;
    }
    TensorSpec embedding = config.tensors().getFirst();
    TensorSpec head = config.tensors().getLast();
    LlamaConfig.Weights weights =
        new LlamaConfig.Weights(
            config.tiedHead(),
            columns.getAsInt(),
            FloatGroupTrits.groupColumns(embedding, reader(embedding)).equals(columns),
            !config.tiedHead() && FloatGroupTrits.groupColumns(head, reader(head)).equals(columns),
            ActivationScale.INT8_GROUP);
    return new HuggingFaceDirectory(path, json.withLlama(config.withWeights(weights)), tensors);
  }

  private FloatGroupTrits.RowReader reader(TensorSpec tensor) throws CheckpointException {
    TensorEntry entry = entry(tensor);
    return (first, rows, target) -> tensors.readFloats(entry, first, rows, target);
  }

  private static void checkQuantization(Path config, ConfigJson json) throws CheckpointException {
    if (json.quantization().isEmpty()) {
      return;
    }
    Quantization quantization = json.quantization().get();
    Optional<String> fault = quantization.fault(json.llama());
    if (fault.isPresent()) {
      throw new CheckpointException(
          config, "quantization_config." + CheckpointException.quote(fault.get()));
    }
  }

  private static void requireSafetensors(Path directory) throws IOException {
    if (Files.exists(directory.resolve(TensorStore.SINGLE))
        || Files.exists(directory.resolve(TensorStore.INDEX))) {
      return;
    }
    List<String> others;
    try (Stream<Path> files = Files.list(directory)) {
      others =
          files
              .map(file -> String.valueOf(file.getFileName()))
              .filter(name -> name.matches(".*\\.(bin|pt|pth|ckpt|gguf|safetensors|h5|msgpack)"))
              .sorted()
              .limit(3)
              .toList();
    }
    throw new CheckpointException(
        directory,
        CheckpointException.quote(
                others.isEmpty()
                    ? "has no model.safetensors"
                    : "has no model.safetensors but %s".formatted(String.join(", ", others)))
            + "; supported is safetensors (pickle files can run code), so save the model again with"
            + " transformers' save_pretrained");
  }

  private void checkTensors() throws CheckpointException {
    Set<String> names = new HashSet<>();
    for (TensorSpec tensor : json.llama().tensors()) {
      names.add(tensor.name());
      if (isPacked(tensor)) {
        names.add(scaleName(tensor));
        checkPacked(tensor);
      } else {
        checkFloats(tensor);
      }
    }
    for (TensorEntry entry : tensors.entries()) {
      if (!names.contains(entry.name())) {
        checkExtra(entry);
      }
    }
  }

  private void checkFloats(TensorSpec tensor) throws CheckpointException {
    Optional<TensorEntry> stored = tensors.find(tensor.name());
    if (stored.isPresent() && !stored.get().dtype().isFloat()) {
      throw fault(
          stored.get(),
          "holds %s, which config.json does not explain; packed weights need a quantization_config"
                  .formatted(stored.get().dtype())
              + " with quant_method bitnet, other integers are not supported");
    }
    entry(tensor);
  }

  private void checkPacked(TensorSpec tensor) throws CheckpointException {
    if (tensor.rows() % RowGroupPacking.ROWS_PER_BYTE != 0) {
      throw new CheckpointException(
          path.resolve(ConfigJson.NAME),
          "tensor '%s' has %d rows; packed weights have a multiple of %d"
              .formatted(tensor.name(), tensor.rows(), RowGroupPacking.ROWS_PER_BYTE));
    }
    TensorEntry entry = tensors.require(tensor.name());
    if (entry.dtype() != DType.U8) {
      throw fault(
          entry,
          "holds %s, but quantization_config says packed weights (U8)".formatted(entry.dtype())
              + "; supported besides are latent weights with autobitlinear and quantization_mode"
              + " online, or without a quantization_config");
    }
    requireShape(entry, tensor.rows() / RowGroupPacking.ROWS_PER_BYTE, tensor.columns());
    TensorEntry scale = tensors.require(scaleName(tensor));
    if (!scale.dtype().isFloat() || scale.count() != 1) {
      throw fault(scale, "is %s %s; a scale is one number".formatted(scale.dtype(), scale.shape()));
    }
  }

  /// Whether a parameter is stored as packed trits.
  private boolean isPacked(TensorSpec tensor) {
    return packing.isPresent() && tensor.kind() == TensorSpec.Kind.TERNARY;
  }

  private boolean isGrouped(TensorSpec tensor) {
    return config().hasGroupScales() && config().isTernary(tensor);
  }

  /// The name of a packed layer's scale.
  static String scaleName(TensorSpec tensor) {
    return tensor.name() + "_scale";
  }

  private CheckpointException fault(TensorEntry entry, String reason) {
    return CheckpointException.ofTensor(tensors.fileOf(entry.name()), entry.name(), reason);
  }

  /// A tensor that the model does not read must not change what the checkpoint computes.
  private void checkExtra(TensorEntry entry) throws CheckpointException {
    if (entry.name().endsWith("rotary_emb.inv_freq")) {
      return; // a function of rope_theta, stored by old versions of transformers
    }
    if (entry.name().equals(HEAD) && json.llama().tiedHead()) {
      checkTiedHead(entry);
      return;
    }
    throw fault(
        entry,
        "is not part of the model that config.json describes; check num_hidden_layers,"
            + " architectures, attention_bias and use_rms_norm in quantization_config");
  }

  private void checkTiedHead(TensorEntry head) throws CheckpointException {
    Optional<TensorEntry> embedding = tensors.find(EMBEDDING);
    if (embedding.isPresent()
        && (embedding.get().dtype() != head.dtype()
            || tensors.data(embedding.get()).mismatch(tensors.data(head)) != -1)) {
      throw CheckpointException.ofTensor(
          tensors.fileOf(HEAD),
          HEAD,
          "differs from %s although tie_word_embeddings is true; set it to false in config.json"
              .formatted(EMBEDDING));
    }
  }

  /// The stored tensor of a parameter. A tied pair may be stored under either name.
  private TensorEntry entry(TensorSpec tensor) throws CheckpointException {
    Optional<TensorEntry> found = tensors.find(tensor.name());
    if (found.isEmpty() && tensor.name().equals(EMBEDDING) && json.llama().tiedHead()) {
      found = tensors.find(HEAD);
    }
    TensorEntry entry = found.isPresent() ? found.get() : tensors.require(tensor.name());
    requireShape(entry, tensor.shape());
    return entry;
  }

  private void requireShape(TensorEntry entry, long... shape) throws CheckpointException {
    if (!entry.hasShape(shape)) {
      throw fault(
          entry,
          "has shape %s but config.json makes it %s"
              .formatted(entry.shape(), Arrays.toString(shape)));
    }
  }

  /// What `config.json` says beyond the dimensions.
  public ConfigJson json() {
    return json;
  }

  @Override
  public LlamaConfig config() {
    return json.llama();
  }

  /// Whether the weights are stored in floating point; packed ones give latents that quantize to
  /// the same trits and scales.
  @Override
  public boolean hasLatents() {
    return packing.isEmpty() && !config().hasGroupScales();
  }

  /// Whether the model was not trained as a ternary one: `config.json` has no quantization_config.
  @Override
  public boolean isFullPrecision() {
    return json.quantization().isEmpty() && !config().hasGroupScales();
  }

  /// The type in which a parameter is stored; U8 for packed trits.
  DType storedType(TensorSpec tensor) throws CheckpointException {
    return isPacked(tensor) ? DType.U8 : entry(tensor).dtype();
  }

  @Override
  public DType exactType(TensorSpec tensor, boolean latent) throws CheckpointException {
    if (tensor.kind() == TensorSpec.Kind.BIAS
        && packing.isPresent()
        && packing.get().scalesBiases()) {
      return DType.F32;
    }
    DType stored = storedType(tensor);
    return stored == DType.BF16 || stored == DType.F16 ? stored : DType.F32;
  }

  @Override
  public boolean isOurs() {
    return json.toolkit().has(HuggingFaceWriter.EXPORTED_AS);
  }

  @Override
  public List<String> remarks() {
    return isFullPrecision()
        ? List.of(
            "config.json has no quantization_config: a full-precision model is made ternary, which"
                + " changes what it computes until it is trained on")
        : List.of();
  }

  @Override
  public Storage storage(TensorSpec tensor) throws CheckpointException {
    if (!isPacked(tensor)) {
      TensorEntry entry = entry(tensor);
      return new Storage(entry.dtype().name(), entry.bytes());
    }
    long scaleBytes = tensors.require(scaleName(tensor)).bytes();
    return new Storage("2-bit", tensors.require(tensor.name()).bytes() + scaleBytes);
  }

  @Override
  public void read(TensorSpec tensor, MemorySegment target) throws IOException {
    if (isPacked(tensor) || isGrouped(tensor)) {
      TernaryQuantizer.latents(ternary(tensor), false, target);
    } else {
      tensors.readFloats(entry(tensor), target);
      scaleBias(tensor, target);
    }
  }

  @Override
  public void read(TensorSpec tensor, long first, MemorySegment target) throws IOException {
    if (isPacked(tensor) || isGrouped(tensor)) {
      StoredModel.super.read(tensor, first, target);
    } else {
      tensors.readValues(entry(tensor), first, target);
      scaleBias(tensor, target);
    }
  }

  /// The trits of a linear layer, as they are stored, or quantized now where latents are.
  @Override
  public TernaryRows ternary(TensorSpec tensor) throws IOException {
    if (config().hasGroupScales()) {
      return groupTrits(tensor);
    }
    if (packing.isEmpty()) {
      return new TernarizedWeights(this).ternary(tensor);
    }
    TensorEntry entry = tensors.require(tensor.name());
    MemorySegment packed = tensors.data(entry);
    try {
      RowGroupPacking.validate(packed);
    } catch (IllegalArgumentException damage) {
      throw fault(entry, String.valueOf(damage.getMessage()));
    }
    return new RowGroups(tensor.rows(), tensor.columns(), packed, scale(packing.get(), tensor));
  }

  private TernaryRows groupTrits(TensorSpec tensor) throws IOException {
    int columns = config().weights().scaleColumns();
    Optional<FloatGroupTrits> found = FloatGroupTrits.of(tensor, columns, reader(tensor));
    if (found.isEmpty()) {
      throw fault(
          entry(tensor),
          "is not ternary in groups of %d columns as the first layer is; the file is damaged, or it"
                  .formatted(columns)
              + " is another model's");
    }
    return found.get();
  }

  private float scale(Quantization quantization, TensorSpec tensor) throws IOException {
    TensorEntry entry = tensors.require(scaleName(tensor));
    double stored =
        entry.dtype() == DType.F64
            ? tensors.data(entry).get(FloatConversion.F64, 0)
            : tensors.readFloats(entry)[0];
    float scale = quantization.linearClass().scale(stored);
    if (!(scale > 0 && Float.isFinite(scale))) {
      throw fault(entry, "holds %s; a scale is positive and finite".formatted(stored));
    }
    return scale;
  }

  @Override
  public void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws IOException {
    if (tensor.kind() == TensorSpec.Kind.EMBEDDING
        && config().ternaryEmbeddings()
        && !config().hasGroupScales()) {
      new TernarizedWeights(this).readRows(tensor, firstRow, rows, target);
      return;
    }
    int first = tensor.isMatrix() ? firstRow : 0;
    int count = tensor.isMatrix() ? rows : tensor.rows();
    tensors.readFloats(entry(tensor), first, count, target);
    scaleBias(tensor, target);
  }

  /// Turns stored biases into those that are added to a layer's outputs.
  private void scaleBias(TensorSpec tensor, MemorySegment values) throws IOException {
    if (tensor.kind() != TensorSpec.Kind.BIAS
        || packing.isEmpty()
        || !packing.get().scalesBiases()) {
      return;
    }
    float scale = scale(packing.get(), weightOf(config(), tensor));
    for (long i = 0; i < values.byteSize() / Float.BYTES; i++) {
      float value = values.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
      values.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, value * scale);
    }
  }

  /// The weight of the layer that a bias belongs to.
  static TensorSpec weightOf(LlamaConfig config, TensorSpec bias) {
    String layer = bias.name().substring(0, bias.name().length() - "bias".length());
    return config.tensors().stream()
        .filter(tensor -> tensor.name().equals(layer + "weight"))
        .findFirst()
        .orElseThrow();
  }

  @Override
  public void unload() {
    tensors.unload();
  }

  /// Unmaps the files.
  @Override
  public void close() {
    tensors.close();
  }
}
