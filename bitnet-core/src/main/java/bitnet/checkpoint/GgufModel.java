package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufTensor;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernarizedWeights;
import bitnet.quantization.TernaryQuantizer;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/// A model in a GGUF file, of one of the architectures of [GgufArchitecture].
///
/// Linear layers of a ternary type, and of a float type whose values are all -s, 0 and s, are
/// ternary. Other floats are the latent weights of a model that is still to be quantized. The
/// order of rows that `llama` files have for ggml's RoPE is undone. Valid until [#close]; several
/// threads may read at once.
public final class GgufModel implements StoredModel {
  private final GgufFile file;
  private final GgufLayout layout;
  private final Map<TensorSpec, Optional<GgufTrits>> linears = new ConcurrentHashMap<>();
  private final Map<TensorSpec, GgufGroupTrits> grouped = new ConcurrentHashMap<>();

  private GgufModel(GgufFile file, GgufLayout layout) {
    this.file = file;
    this.layout = layout;
  }

  /// Opens a file and checks that it holds every tensor of the model in its shape, and no tensor
  /// that the model would ignore. The content of a tensor is checked when it is read.
  ///
  /// @throws NoSuchFileException if the file does not exist
  /// @throws CheckpointException if it is damaged or of an unsupported kind, saying what was found
  ///     and what is supported
  public static GgufModel open(Path path) throws IOException {
    GgufFile file = GgufFile.open(path);
    try {
      return of(file);
    } catch (IOException | RuntimeException failure) {
      file.close();
      throw failure;
    }
  }

  static GgufModel of(GgufFile file) throws CheckpointException {
    GgufLayout layout = GgufLayout.read(file);
    for (TensorSpec tensor : layout.config().tensors()) {
      layout.require(file, tensor);
    }
    Set<String> names =
        layout.config().tensors().stream().map(GgufLayout::name).collect(Collectors.toSet());
    names.add(GgufRope.DIVISORS); // read with the metadata
    for (GgufTensor tensor : file.tensors()) {
      if (!names.contains(tensor.name())) {
        String remedy =
            tensor.name().endsWith("_norm.weight")
                ? "q_norm and k_norm are of qwen3, sub-norms of bitnet"
                : "experts and other biases are not supported";
        throw CheckpointException.ofTensor(
            file.path(),
            tensor.name(),
            "is not part of a model of architecture %s with %d layers; %s"
                .formatted(layout.architecture().key(), layout.config().layerCount(), remedy));
      }
    }
    return new GgufModel(file, layout);
  }

  /// The file.
  public Path path() {
    return file.path();
  }

  GgufFile file() {
    return file;
  }

  @Override
  public LlamaConfig config() {
    return layout.config();
  }

  /// Latents that are made from trits need F32, whatever the type of the stored values.
  @Override
  public DType exactType(TensorSpec tensor, boolean latent) throws IOException {
    if (latent && isTernary(tensor)) {
      return DType.F32;
    }
    return switch (layout.require(file, tensor).type()) {
      case F16 -> DType.F16;
      case BF16 -> DType.BF16;
      default -> DType.F32;
    };
  }

  @Override
  public Storage storage(TensorSpec tensor) throws IOException {
    GgufTensor stored = layout.require(file, tensor);
    return new Storage(stored.type().name(), stored.bytes());
  }

  /// Whether a linear layer holds full-precision weights.
  @Override
  public boolean hasLatents() {
    if (config().hasGroupScales()) {
      return false;
    }
    try {
      for (TensorSpec tensor : config().tensors()) {
        if (tensor.kind() == TensorSpec.Kind.TERNARY && trits(tensor).isEmpty()) {
          return true;
        }
      }
      return false;
    } catch (CheckpointException damage) {
      return false; // of a ternary tensor; reading it says what is wrong
    }
  }

  /// Whether a linear layer holds floats that are not ternary, in an architecture that is not
  /// trained as a ternary one.
  @Override
  public boolean isFullPrecision() {
    if (layout.architecture().hasSubNorms() || config().hasGroupScales()) {
      return false;
    }
    try {
      for (TensorSpec tensor : config().tensors()) {
        boolean dense =
            tensor.kind() == TensorSpec.Kind.TERNARY
                && !layout.require(file, tensor).type().isTernary();
        if (dense && trits(tensor).isEmpty()) {
          return true;
        }
      }
      return false;
    } catch (CheckpointException damage) {
      return false; // reading the tensor says what is wrong
    }
  }

  @Override
  public List<String> remarks() {
    return isFullPrecision()
        ? List.of(
            "the file holds full-precision weights, which are made ternary; that changes what the"
                + " model computes until it is trained on")
        : List.of();
  }

  private boolean isTernary(TensorSpec tensor) throws CheckpointException {
    if (config().hasGroupScales()) {
      return config().isTernary(tensor);
    }
    return tensor.kind() == TensorSpec.Kind.TERNARY && trits(tensor).isPresent();
  }

  private Optional<GgufTrits> trits(TensorSpec tensor) throws CheckpointException {
    Optional<GgufTrits> known = linears.get(tensor);
    if (known == null) {
      GgufTensor stored = layout.require(file, tensor);
      known = GgufTrits.of(file, stored, layout.order(tensor), tensor);
      linears.put(tensor, known);
    }
    return known;
  }

  /// The trits of a linear layer; of full-precision weights those that they quantize to.
  ///
  /// @throws CheckpointException if the layer is damaged, holds a number that is not finite, or has
  ///     several scales in a row
  @Override
  public TernaryRows ternary(TensorSpec tensor) throws IOException {
    if (!config().isTernary(tensor)) {
      throw new IllegalArgumentException(
          "tensor '%s' is not ternary; read it as floats".formatted(tensor.name()));
    }
    if (config().hasGroupScales()) {
      return groupTrits(tensor);
    }
    Optional<GgufTrits> trits = trits(tensor);
    if (trits.isPresent()) {
      return trits.get();
    }
    try {
      return new TernarizedWeights(this).ternary(tensor);
    } catch (IllegalArgumentException notFinite) {
      throw CheckpointException.ofTensor(
          file.path(), GgufLayout.name(tensor), String.valueOf(notFinite.getMessage()));
    }
  }

  private GgufGroupTrits groupTrits(TensorSpec tensor) throws CheckpointException {
    GgufGroupTrits known = grouped.get(tensor);
    if (known == null) {
      GgufTensor stored = layout.require(file, tensor);
      known = GgufGroupTrits.of(file, stored, layout.order(tensor), tensor);
      grouped.put(tensor, known);
    }
    return known;
  }

  /// Reads full-precision weights, or weights that quantize to the stored trits and scales
  /// ([TernaryQuantizer#latents]).
  ///
  /// @throws CheckpointException if the file is damaged, or a layer has a scale for each row, which
  ///     no full-precision weights quantize to
  @Override
  public void read(TensorSpec tensor, MemorySegment target) throws IOException {
    if (config().hasGroupScales() && config().isTernary(tensor)) {
      TernaryQuantizer.latents(groupTrits(tensor), true, target);
      return;
    }
    Optional<GgufTrits> trits =
        tensor.kind() == TensorSpec.Kind.TERNARY ? trits(tensor) : Optional.empty();
    if (trits.isEmpty()) {
      readStored(tensor, 0, tensor.isMatrix() ? tensor.rows() : 1, target);
      return;
    }
    if (!trits.get().isUniform()) {
      throw CheckpointException.ofTensor(
          file.path(),
          GgufLayout.name(tensor),
          "has a scale for each row; only layers with one scale can be trained or computed by the"
              + " graph");
    }
    TernaryQuantizer.latents(trits.get(), false, target);
  }

  @Override
  public void read(TensorSpec tensor, long first, MemorySegment target) throws IOException {
    if (isTernary(tensor)) {
      StoredModel.super.read(tensor, first, target);
      return;
    }
    int rowLength = tensor.isMatrix() ? tensor.columns() : tensor.rows();
    long rows = target.byteSize() / Float.BYTES / rowLength;
    readStored(tensor, (int) (first / rowLength), (int) rows, target);
  }

  @Override
  public void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws IOException {
    readStored(tensor, firstRow, rows, target);
  }

  private void readStored(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws CheckpointException {
    GgufTensor stored = layout.require(file, tensor);
    RotaryOrder order = layout.order(tensor);
    if (!order.neighbours()) {
      file.readFloats(stored, firstRow, rows, target);
      return;
    }
    if (!tensor.isMatrix()) {
      readBias(stored, order, target);
      return;
    }
    long rowBytes = (long) tensor.columns() * Float.BYTES;
    for (int row = 0; row < rows; row++) {
      MemorySegment slice = target.asSlice(row * rowBytes, rowBytes);
      file.readFloats(stored, order.inFile(firstRow + row), 1, slice);
    }
  }

  private void readBias(GgufTensor stored, RotaryOrder order, MemorySegment target)
      throws CheckpointException {
    float[] inFile = new float[(int) stored.count()];
    file.readFloats(stored, 0, 1, MemorySegment.ofArray(inFile));
    for (int i = 0; i < inFile.length; i++) {
      target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, inFile[order.inFile(i)]);
    }
  }

  @Override
  public void unload() {
    file.unload();
  }

  /// Unmaps the file; what was read from it must not be used any more.
  @Override
  public void close() {
    file.close();
  }
}
