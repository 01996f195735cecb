package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufFile;
import bitnet.model.AdapterWeights;
import bitnet.model.DenseWeights;
import bitnet.model.LatentWeights;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.storage.TextInput;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What `--model_path` names, told by its content: a model directory of this toolkit, a training
/// run that holds one, a Hugging Face directory, or a GGUF file.
public final class ModelSource implements AutoCloseable {

  /// The model in a run directory.
  public static final String RUN_MODEL = "model";

  private final Path path;
  private final StoredModel weights;
  private final TokenizerAssets assets;
  private @Nullable AdapterDirectory adapter;

  private ModelSource(Path path, StoredModel weights, TokenizerAssets assets) {
    this.path = path;
    this.weights = weights;
    this.assets = assets;
  }

  private static ModelSource directory(Path path, StoredModel weights) {
    return new ModelSource(path, weights, new DirectoryTokenizerAssets(path));
  }

  /// Opens a model.
  ///
  /// @throws NoSuchFileException if the path does not exist
  /// @throws CheckpointException if it is not a model, or is damaged or unsupported, saying what
  ///     was found and what is supported
  public static ModelSource open(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    TextInput.requireFile(path, "a model");
    Path inRun = path.resolve(RUN_MODEL);
    if (GgufFile.isGguf(path)) {
      return gguf(path);
    }
    if (isOwn(path)) {
      return directory(path, ModelDirectory.open(path));
    }
    if (isOwn(inRun)) {
      return directory(inRun, ModelDirectory.open(inRun));
    }
    if (Files.exists(path.resolve(ConfigJson.NAME))) {
      return directory(path, HuggingFaceDirectory.open(path));
    }
    Optional<Path> only = onlyGguf(path);
    if (only.isPresent()) {
      return gguf(only.get());
    }
    throw new CheckpointException(
        path,
        "%s; supported are a model directory (manifest.json), a finished training run (model/),"
                .formatted(found(path))
            + " a Hugging Face directory (config.json) and a GGUF file, or a directory with one");
  }

  /// Opens a model and its adapter.
  ///
  /// @throws NoSuchFileException if one of the paths does not exist
  /// @throws CheckpointException if one of them is damaged or unsupported, or the adapter is that
  ///     of another model
  public static ModelSource open(ModelLocation location) throws IOException {
    ModelSource source = open(location.model());
    try {
      if (location.adapter().isPresent()) {
        source.adapter = AdapterDirectory.open(location.adapter().get(), source.weights);
      }
      return source;
    } catch (IOException | RuntimeException failure) {
      source.close();
      throw failure;
    }
  }

  /// Opens a model with an adapter added to its latent weights, as one model.
  ///
  /// @throws CheckpointException as [#open(ModelLocation)]
  /// @throws IllegalArgumentException if the model has no latent weights
  public static ModelSource openMerged(Path model, Path adapter) throws IOException {
    ModelSource source = open(new ModelLocation(model, Optional.of(adapter)));
    try {
      if (source.adapter == null) {
        throw new IllegalStateException("opened without its adapter");
      }
      if (!source.weights.hasLatents()) {
        throw new IllegalArgumentException(
            ("%s has trits only, and small changes of trits are lost in rounding; merge into the"
                    + " model that has the latent weights, or leave the adapter apart, as infer,"
                    + " chat, evaluate and serve take it")
                .formatted(model));
      }
      return new ModelSource(
          source.path, new MergedModel(source.weights, source.adapter), source.assets);
    } catch (IOException | RuntimeException failure) {
      source.close();
      throw failure;
    }
  }

  private static ModelSource gguf(Path file) throws IOException {
    GgufModel model = GgufModel.open(file);
    return new ModelSource(file, model, new GgufTokenizerAssets(model.file()));
  }

  /// The GGUF file of a directory that holds one and not more.
  private static Optional<Path> onlyGguf(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return Optional.empty();
    }
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> named = files.filter(file -> file.toString().endsWith(".gguf")).toList();
      return named.size() == 1 && GgufFile.isGguf(named.getFirst())
          ? Optional.of(named.getFirst())
          : Optional.empty();
    }
  }

  /// A checkpoint of a training run has a manifest as well, but no config.
  private static boolean isOwn(Path path) {
    return Files.exists(path.resolve(DirectoryManifest.NAME))
        && Files.exists(path.resolve(ConfigJson.NAME));
  }

  private static String found(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return "is a file, but no GGUF file";
    }
    try (Stream<Path> files = Files.list(path)) {
      List<String> names = files.map(file -> file.getFileName().toString()).sorted().toList();
      String some = String.join(", ", names.subList(0, Math.min(4, names.size())));
      return names.isEmpty()
          ? "is empty"
          : "holds no model but "
              + CheckpointException.quote(some)
              + (names.size() > 4 ? ", ..." : "");
    }
  }

  /// The weights and, with them, the dimensions; valid until [#close].
  public LatentWeights weights() {
    return weights;
  }

  /// The weights as inference uses them; valid until [#close]. Where only latents are stored they
  /// are quantized as they are read.
  public TernaryWeights ternary() {
    return weights;
  }

  /// The weights for inference: ternary, or full-precision ones as they are.
  ///
  /// @param fullPrecision whether the model, which must not be ternary, is not to be made so
  /// @throws IllegalArgumentException if it is ternary
  public TernaryWeights inference(boolean fullPrecision) {
    if (!fullPrecision) {
      return weights;
    }
    if (!isFullPrecision()) {
      throw new IllegalArgumentException(
          "%s is a ternary model, which has no full precision; leave `full_precision` out"
              .formatted(path));
    }
    if (adapter != null && !adapter.base().isEmpty()) {
      throw new IllegalArgumentException(
          "the adapter was trained on the ternary form of %s; leave `full_precision` out"
              .formatted(path));
    }
    return new DenseWeights(weights);
  }

  /// The adapter that the model was opened with; valid until [#close].
  public Optional<AdapterWeights> adapter() {
    return Optional.ofNullable(adapter);
  }

  /// The directory that the adapter is in, if there is one.
  public Optional<Path> adapterPath() {
    return Optional.ofNullable(adapter).map(AdapterDirectory::path);
  }

  /// Whether the model was not trained as a ternary one, so that its products with trits are
  /// another model's until it is trained on.
  public boolean isFullPrecision() {
    return weights.isFullPrecision();
  }

  /// What a user should know where a full-precision model is made ternary; else empty.
  ///
  /// @param fullPrecision whether it is not
  public Optional<String> madeTernary(boolean fullPrecision) {
    return fullPrecision || !isFullPrecision()
        ? Optional.empty()
        : Optional.of(
            path
                + ": is a full-precision model and is made ternary; --full_precision computes it"
                + " as it is");
  }

  /// The directory that the weights are in, or the GGUF file.
  public Path path() {
    return path;
  }

  /// The model's tokenizer.
  ///
  /// @throws IOException if the directory has no tokenizer.json, or a damaged one
  public Tokenizer tokenizer() throws IOException {
    return assets.tokenizer();
  }

  /// The template that makes one text of a conversation, if the model has one.
  ///
  /// @throws IOException if it is damaged
  public Optional<ChatTemplate> chatTemplate() throws IOException {
    return assets.chatTemplate();
  }

  /// What the model says about the text that it writes: how to draw it, where it ends.
  ///
  /// @throws CheckpointException if `config.json` or `generation_config.json` is damaged
  public GenerationConfig generation() throws IOException {
    return assets.generation();
  }

  /// The tokens that end a text, by `config.json` and `generation_config.json`; may be empty.
  ///
  /// @throws CheckpointException if one of the files is damaged
  public Set<Integer> endTokens() throws IOException {
    return new TreeSet<>(assets.generation().endTokens());
  }

  /// The weights and how they are stored.
  StoredModel stored() {
    return weights;
  }

  /// What a user should know about a model that is converted.
  List<String> remarks() {
    return weights.remarks();
  }

  /// How a parameter is stored.
  StoredModel.Storage storage(TensorSpec tensor) throws IOException {
    return weights.storage(tensor);
  }

  TokenizerAssets tokenizerAssets() {
    return assets;
  }

  @Override
  public void close() throws IOException {
    if (adapter != null) {
      adapter.close();
    }
    weights.close();
  }
}
