package bitnet.checkpoint;

import bitnet.format.DType;
import bitnet.format.FloatConversion;
import bitnet.format.gguf.GgufCursor;
import bitnet.format.gguf.GgufFields;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufTensor;
import bitnet.format.gguf.GgufType;
import bitnet.format.gguf.GgufWriter;
import bitnet.format.gguf.TritBlocks;
import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import bitnet.tokenizer.TokenTable;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/// Writes GGUF files for llama.cpp: linear layers in one type, embedding and head in F16, norms in
/// F32. Models with sub-norms become architecture bitnet, the others llama.
///
/// @param type of the linear layers: F16, TQ1_0, TQ2_0, or I2_S for microsoft/BitNet's fork
record GgufModelWriter(GgufType type) implements ModelWriter {
  private static final int QUANTIZATION_VERSION = 2;
  private static final int CHUNK_VALUES = 1 << 18;
  private static final float LARGEST_HALF = 65_504;

  @Override
  public List<String> write(
      Path target, ModelSource source, ModelDirectory.Existing existing, LongConsumer progress)
      throws IOException {
    LlamaConfig config = source.weights().config();
    requireExpressible(config);
    requireReplaceable(target, existing);
    GgufLayout layout = new GgufLayout(architecture(config), config);
    GgufFields fields = fields(layout, target);
    Optional<String> lost;
    try (Tokenizer tokenizer = source.tokenizer()) {
      TokenTable table = TokenTable.of(tokenizer);
      GgufVocabulary.write(fields, table.padded(config.vocabSize()));
      lost = table.lostInGguf();
    }
    List<GgufTensor> tensors =
        config.tensors().stream()
            .map(spec -> GgufTensor.of(GgufLayout.name(spec), type(spec), spec.shape()))
            .toList();
    try (GgufWriter writer = GgufWriter.create(target, fields, tensors)) {
      writeTensors(layout, source.ternary(), writer, progress);
      writer.commit();
    }
    List<String> remarks = remarks(source);
    lost.ifPresent(remarks::add);
    return remarks;
  }

  private List<String> remarks(ModelSource source) {
    String weights =
        type == GgufType.I2_S
            ? "only microsoft/BitNet's fork of llama.cpp reads I2_S"
            : "scales and embeddings are rounded to f16; llama.cpp does not quantize activations as"
                + " this model was trained, so its logits are close, not equal";
    List<String> remarks = new ArrayList<>();
    if (source.weights().hasLatents()) {
      remarks.add("the weights are written as trits; full-precision ones are not kept");
    }
    remarks.add(weights);
    LlamaConfig config = source.weights().config();
    if (type != GgufType.I2_S && config.activation() == Activation.RELU_SQUARED) {
      remarks.add(
          "llama.cpp reads the activation relu2 in its newest versions only; older ones compute"
              + " silu without a word, which makes nonsense of this model");
    }
    return remarks;
  }

  private void requireExpressible(LlamaConfig config) {
    config.heads().variant().requireLlama("the export to GGUF");
    Optional<String> fault = GgufLayout.exportFault(config);
    if (fault.isPresent()) {
      throw new IllegalArgumentException(fault.get());
    }
    for (TensorSpec tensor : config.tensors()) {
      if (tensor.kind() == TensorSpec.Kind.TERNARY && tensor.columns() % type.blockValues() != 0) {
        throw new IllegalArgumentException(
            "%s has %d input features; %s needs a multiple of %d, so use %s"
                .formatted(
                    tensor.name(),
                    tensor.columns(),
                    type,
                    type.blockValues(),
                    tensor.columns() % GgufType.I2_S.blockValues() == 0
                        ? "gguf-f16, or gguf-i2_s for microsoft/BitNet"
                        : "gguf-f16"));
      }
    }
  }

  private static void requireReplaceable(Path target, ModelDirectory.Existing existing)
      throws IOException {
    if (existing == ModelDirectory.Existing.REFUSE && Files.isRegularFile(target)) {
      throw new IllegalArgumentException(
          "%s already exists; use another name, or `force` to replace it".formatted(target));
    }
    if (Files.isRegularFile(target) && !GgufFile.isGguf(target)) {
      throw new IllegalArgumentException(
          "%s already exists and is not a GGUF file; use another name".formatted(target));
    }
  }

  /// The fork that reads I2_S knows relu² under a name of its own.
  private GgufArchitecture architecture(LlamaConfig config) {
    if (!config.subNorms()) {
      return GgufArchitecture.LLAMA;
    }
    return type == GgufType.I2_S && config.activation() == Activation.RELU_SQUARED
        ? GgufArchitecture.BITNET_158
        : GgufArchitecture.BITNET;
  }

  private GgufFields fields(GgufLayout layout, Path target) {
    LlamaConfig config = layout.config();
    String prefix = layout.architecture().key() + ".";
    String name = String.valueOf(target.getFileName());
    GgufFields fields =
        new GgufFields()
            .put("general.architecture", layout.architecture().key())
            .put("general.type", "model")
            .put(
                "general.name",
                name.endsWith(".gguf") ? name.substring(0, name.length() - 5) : name)
            .put("general.quantization_version", QUANTIZATION_VERSION)
            .put("general.file_type", fileType())
            .put(prefix + "vocab_size", config.vocabSize())
            .put(prefix + "context_length", config.contextLength())
            .put(prefix + "embedding_length", config.hiddenSize())
            .put(prefix + "block_count", config.layerCount())
            .put(prefix + "feed_forward_length", config.intermediateSize())
            .put(prefix + "rope.dimension_count", config.headDim())
            .put(prefix + "rope.freq_base", (float) config.ropeTheta())
            .put(prefix + "attention.head_count", config.headCount())
            .put(prefix + "attention.head_count_kv", config.keyValueHeadCount())
            .put(prefix + "attention.key_length", config.headDim())
            .put(prefix + "attention.value_length", config.headDim())
            .put(prefix + "attention.layer_norm_rms_epsilon", (float) config.rmsNormEpsilon());
    if (config.subNorms()) {
      fields.put(prefix + GgufLayout.ACTIVATION_KEY, config.activation().key());
    }
    return fields;
  }

  /// llama.cpp's number for most tensors being of a type.
  private int fileType() {
    return switch (type) {
      case F16 -> 1;
      case TQ1_0 -> 36;
      case TQ2_0 -> 37;
      case I2_S -> 40;
      default -> throw new IllegalArgumentException("models are not written as " + type);
    };
  }

  private GgufType type(TensorSpec tensor) {
    return switch (tensor.kind()) {
      case TERNARY -> type;
      case EMBEDDING, HEAD -> GgufType.F16;
      case NORM, BIAS -> GgufType.F32;
    };
  }

  private void writeTensors(
      GgufLayout layout, TernaryWeights weights, GgufWriter writer, LongConsumer progress)
      throws IOException {
    long parameters = 0;
    for (TensorSpec tensor : layout.config().tensors()) {
      String name = GgufLayout.name(tensor);
      if (tensor.kind() == TensorSpec.Kind.TERNARY) {
        writeTrits(tensor, layout.order(tensor), weights.ternary(tensor), writer);
      } else {
        DType dtype = type(tensor) == GgufType.F16 ? DType.F16 : DType.F32;
        FloatRows.forEach(
            weights, tensor, chunk -> writer.write(name, converted(tensor, dtype, chunk)));
      }
      parameters += tensor.count();
      progress.accept(parameters);
    }
  }

  private static MemorySegment converted(TensorSpec tensor, DType dtype, MemorySegment floats) {
    int count = (int) (floats.byteSize() / Float.BYTES);
    for (int i = 0; i < count; i++) {
      float value = floats.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
      if (!(Math.abs(value) <= (dtype == DType.F16 ? LARGEST_HALF : Float.MAX_VALUE))) {
        throw new IllegalArgumentException(
            "tensor '%s' holds %s, which %s cannot express".formatted(tensor.name(), value, dtype));
      }
    }
    MemorySegment converted = MemorySegment.ofArray(new byte[count * dtype.bytes()]);
    FloatConversion.fromFloats(dtype, floats, converted, count);
    return converted;
  }

  private void writeTrits(TensorSpec tensor, RotaryOrder order, TernaryRows rows, GgufWriter writer)
      throws IOException {
    String name = GgufLayout.name(tensor);
    int columns = tensor.columns();
    int step = Math.clamp(CHUNK_VALUES / columns, 1, tensor.rows());
    int rowBytes = columns / type.blockValues() * type.blockBytes();
    byte[] trits = new byte[columns];
    byte[] packed = new byte[rowBytes];
    for (int first = 0; first < tensor.rows(); first += step) {
      int count = Math.min(step, tensor.rows() - first);
      byte[] chunk = new byte[count * rowBytes];
      for (int row = 0; row < count; row++) {
        int stored = order.inCheckpoint(first + row);
        rows.unpack(stored, 1, trits);
        pack(tensor, trits, rows.scale(stored), packed);
        System.arraycopy(packed, 0, chunk, row * rowBytes, rowBytes);
      }
      writer.write(name, MemorySegment.ofArray(chunk));
    }
    if (type == GgufType.I2_S) {
      writer.write(name, tail(tensor, rows));
    }
  }

  private void pack(TensorSpec tensor, byte[] trits, float scale, byte[] packed) {
    short half = Float.floatToFloat16(scale);
    float rounded = Float.float16ToFloat(half);
    if (type != GgufType.I2_S && !(rounded > 0 && rounded <= LARGEST_HALF)) {
      throw new IllegalArgumentException(
          "tensor '%s' has the scale %s, which F16 cannot express".formatted(tensor.name(), scale));
    }
    if (type == GgufType.F16) {
      for (int i = 0; i < trits.length; i++) {
        int bits = trits[i] == 0 ? 0 : trits[i] > 0 ? half : half | 0x8000;
        packed[2 * i] = (byte) bits;
        packed[2 * i + 1] = (byte) (bits >> 8);
      }
    } else {
      TritBlocks.pack(type, trits, half, packed);
    }
  }

  private static MemorySegment tail(TensorSpec tensor, TernaryRows rows) {
    float scale = rows.scale(0);
    for (int row = 0; row < rows.rows(); row++) {
      if (rows.scale(row) != scale) {
        throw new IllegalArgumentException(
            "tensor '%s' has a scale for each row; I2_S has one for all, so use gguf-tq2_0"
                .formatted(tensor.name()));
      }
    }
    MemorySegment tail = MemorySegment.ofArray(new byte[GgufType.I2_S_TAIL_BYTES]);
    tail.set(GgufCursor.FLOAT, 0, scale);
    return tail;
  }
}
