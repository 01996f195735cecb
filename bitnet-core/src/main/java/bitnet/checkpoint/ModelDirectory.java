package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.TensorEntry;
import bitnet.format.safetensors.TensorStore;
import bitnet.model.LatentInitializer;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.ProductWeights;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryPacking;
import bitnet.quantization.TernaryQuantizer;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// A model on disk in the toolkit's own form: packed trits with their scales, bfloat16 for the
/// rest, config, tokenizer, and optionally the fp32 latents (`master.safetensors`).
///
/// A blank model, one that was never trained, stores no latents: they are a function of its seed
/// ([LatentInitializer]). Segments of an open directory are valid until [#close]; several threads
/// may read at once.
public final class ModelDirectory implements StoredModel {
  static final String MASTER = "master.safetensors";

  private final Path path;
  private final DirectoryManifest manifest;
  private final ConfigJson config;
  private final Optional<LatentInitializer> initializer;
  private final Set<TensorSpec> tensors;
  private final TensorStore store;
  private final @Nullable SafetensorsFile master;

  /// What to do with a model that is at the target already.
  public enum Existing {
    /// Leave it and fail.
    REFUSE,
    /// Put the new model in its place once that is complete.
    REPLACE
  }

  private ModelDirectory(
      Path path,
      DirectoryManifest manifest,
      ConfigJson config,
      TensorStore store,
      @Nullable SafetensorsFile master)
      throws IOException {
    this.path = path;
    this.manifest = manifest;
    this.config = config;
    this.initializer = BlankModelMetadata.read(path.resolve(ConfigJson.NAME), config.toolkit());
    this.tensors = Set.copyOf(config.llama().tensors());
    this.store = store;
    this.master = master;
  }

  /// Opens a directory. Sizes, names, types and dimensions are checked now, the content of a tensor
  /// when it is read.
  ///
  /// @throws java.nio.file.NoSuchFileException if the directory does not exist
  /// @throws CheckpointException if it is incomplete, damaged or contradicts its config, naming
  ///     file, tensor and reason
  public static ModelDirectory open(Path path) throws IOException {
    DirectoryManifest manifest = DirectoryManifest.open(path);
    ConfigJson config = ConfigJson.read(path.resolve(ConfigJson.NAME));
    TensorStore store = TensorStore.open(path);
    SafetensorsFile master = null;
    try {
      ModelLayout.check(config.llama(), store);
      if (manifest.files().containsKey(MASTER)) {
        master = SafetensorsFile.open(path.resolve(MASTER));
        checkMaster(config.llama(), master);
      }
      return new ModelDirectory(path, manifest, config, store, master);
    } catch (IOException | RuntimeException failure) {
      store.close();
      if (master != null) {
        master.close();
      }
      throw failure;
    }
  }

  private static void checkMaster(LlamaConfig config, SafetensorsFile master)
      throws CheckpointException {
    for (TensorSpec tensor : config.tensors()) {
      TensorEntry entry = master.require(tensor.name());
      if (!entry.dtype().isFloat() || !entry.hasShape(tensor.shape())) {
        throw CheckpointException.ofTensor(
            master.path(),
            tensor.name(),
            "is %s %s, which is not the parameter of config.json"
                .formatted(entry.dtype(), entry.shape()));
      }
    }
  }

  /// Makes a blank model. Tensors are streamed, so memory does not grow with the model.
  ///
  /// @param target the directory; appears complete or not at all
  /// @param config the dimensions
  /// @param initializer makes the latents and is recorded instead of them
  /// @param tokenizer copied into the directory
  /// @param existing what to do with an existing model
  /// @param progress receives the number of parameters written so far
  /// @throws IllegalArgumentException if the target may not be replaced or the tokenizer has more
  ///     tokens than the model
  /// @throws CheckpointException if the disk has not enough space
  public static void writeBlank(
      Path target,
      LlamaConfig config,
      LatentInitializer initializer,
      Tokenizer tokenizer,
      Existing existing,
      LongConsumer progress)
      throws IOException {
    TokenizerAssets assets = new NewTokenizerAssets(tokenizer, config);
    new ModelDirectoryWriter(config, assets, existing, progress)
        .write(target, initializer::fill, BlankModelMetadata.of(initializer), false);
  }

  /// Writes a trained model: ternarizes and packs its latents tensor by tensor. Memory grows with
  /// the largest tensor.
  ///
  /// @param target the directory; appears complete or not at all
  /// @param weights the latents and the dimensions
  /// @param tokenizer copied into the directory
  /// @param withMaster whether to keep the latents in fp32 too, for further training
  /// @param existing what to do with an existing model; it must not be open
  /// @throws IllegalArgumentException if the target may not be replaced, the tokenizer has more
  ///     tokens than the model, or a weight is not finite
  /// @throws CheckpointException if the disk has not enough space
  public static void write(
      Path target,
      LatentWeights weights,
      Tokenizer tokenizer,
      boolean withMaster,
      Existing existing)
      throws IOException {
    TokenizerAssets assets = new NewTokenizerAssets(tokenizer, weights.config());
    new ModelDirectoryWriter(weights.config(), assets, existing, parameters -> {})
        .write(target, weights::read, BlankModelMetadata.none(), withMaster);
  }

  /// The size of a model's directory without latent weights and tokenizer, in bytes.
  public static long diskBytes(LlamaConfig config) {
    return ModelDirectoryWriter.diskBytes(config, false);
  }

  /// Where the model lies.
  public Path path() {
    return path;
  }

  @Override
  public LlamaConfig config() {
    return config.llama();
  }

  /// Whether the model was never trained, so that its latents come from a seed.
  public boolean isBlank() {
    return initializer.isPresent();
  }

  /// Whether the latents are those the model was trained or made with; otherwise [#read] makes some
  /// that quantize to the stored trits and scales, from which training starts again.
  @Override
  public boolean hasLatents() {
    return isBlank() || master != null;
  }

  /// The model's tokenizer, to be closed by the caller.
  public Tokenizer tokenizer() throws IOException {
    return Tokenizer.load(path);
  }

  /// Compares the content of every file with the hash in the manifest.
  ///
  /// @throws CheckpointException naming the first damaged file
  @Override
  public void verify() throws IOException {
    manifest.verify();
  }

  /// Reads the latents of a parameter as fp32: latent weights, else those of a blank model, else
  /// what quantizes to the stored trits and scales ([TernaryQuantizer#latents]).
  @Override
  public void read(TensorSpec tensor, MemorySegment target) throws IOException {
    requireKnown(tensor);
    if (master != null) {
      master.readFloats(master.require(tensor.name()), target);
    } else if (initializer.isPresent()) {
      initializer.get().fill(tensor, 0, target);
    } else if (isTernary(tensor)) {
      boolean scalePerRow = ModelLayout.scaleCount(config.llama(), tensor) > 1;
      TernaryQuantizer.latents(ternary(tensor), scalePerRow, target);
    } else {
      store.readFloats(store.require(ModelLayout.storedName(tensor)), target);
    }
  }

  @Override
  public void read(TensorSpec tensor, long first, MemorySegment target) throws IOException {
    requireKnown(tensor);
    if (master != null) {
      master.readValues(master.require(tensor.name()), first, target);
    } else if (initializer.isPresent()) {
      initializer.get().fill(tensor, first, target);
    } else if (isTernary(tensor)) {
      StoredModel.super.read(tensor, first, target);
    } else {
      store.readValues(store.require(ModelLayout.storedName(tensor)), first, target);
    }
  }

  @Override
  public void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws IOException {
    requireKnown(tensor);
    if (!isTernary(tensor)) {
      int first = tensor.isMatrix() ? firstRow : 0;
      int count = tensor.isMatrix() ? rows : tensor.rows();
      store.readFloats(store.require(ModelLayout.storedName(tensor)), first, count, target);
      return;
    }
    ProductWeights.multiply(ternary(tensor), firstRow, rows, target);
  }

  /// Whether a parameter is stored as trits: BitLinear weights, and the embedding where the config
  /// says so.
  public boolean isTernary(TensorSpec tensor) {
    return ModelLayout.isTernary(config.llama(), tensor);
  }

  /// The trits and the scale of a ternary parameter, bit for bit as they were written.
  ///
  /// @throws IllegalArgumentException if the parameter is not stored as trits
  /// @throws CheckpointException if its bytes are not a valid packing or a scale is not positive
  @Override
  public TernaryTensor ternary(TensorSpec tensor) throws IOException {
    requireKnown(tensor);
    if (!isTernary(tensor)) {
      throw new IllegalArgumentException(
          "tensor '%s' is not ternary; read it as floats".formatted(tensor.name()));
    }
    String name = ModelLayout.storedName(tensor);
    MemorySegment packed = store.data(store.require(name));
    try {
      TernaryPacking.validate(packed, tensor.count());
    } catch (IllegalArgumentException damage) {
      throw CheckpointException.ofTensor(
          store.fileOf(name), name, String.valueOf(damage.getMessage()));
    }
    float[] scales = store.readFloats(store.require(ModelLayout.scaleName(tensor)));
    for (float scale : scales) {
      boolean zeros = scale == 0 && config.llama().hasGroupScales(); // of a group of zeros
      if (!(scale > 0 || zeros) || !Float.isFinite(scale)) {
        throw CheckpointException.ofTensor(
            store.fileOf(name),
            ModelLayout.scaleName(tensor),
            "holds %s; a scale is positive and finite".formatted(scale));
      }
    }
    return new TernaryTensor(tensor, packed, scales, config.llama().weights().scaleColumns());
  }

  @Override
  public DType exactType(TensorSpec tensor, boolean latent) {
    boolean fp32 = latent && (hasLatents() || tensor.kind() == TensorSpec.Kind.TERNARY);
    return fp32 ? DType.F32 : DType.BF16;
  }

  @Override
  public boolean isNative() {
    return true;
  }

  @Override
  public Storage storage(TensorSpec tensor) {
    requireKnown(tensor);
    List<TensorHeader> headers = ModelLayout.headers(config.llama(), tensor);
    return new Storage(
        isTernary(tensor) ? "base-3" : headers.getFirst().dtype().name(),
        headers.stream().mapToLong(TensorHeader::bytes).sum());
  }

  private void requireKnown(TensorSpec tensor) {
    if (!tensors.contains(tensor)) {
      throw new IllegalArgumentException("%s is not a parameter of %s".formatted(tensor, path));
    }
  }

  @Override
  public void unload() {
    store.unload();
  }

  /// Unmaps the files; segments of them must not be used any more.
  @Override
  public void close() {
    store.close();
    if (master != null) {
      master.close();
    }
  }
}
