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
import bitnet.model.ActivationScale;
import bitnet.model.LlamaConfig;
import bitnet.model.ModelFamily;
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
/// F32. The architecture is that of the model's family.
///
/// @param type of the linear layers: F16, TQ1_0, TQ2_0, or I2_S for microsoft/BitNet's fork; with
///     group scales, also of a ternary embedding and head, F16, Q2_0, PQ2_0 or PTQ1_0
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
    List<String> lost;
    try (Tokenizer tokenizer = source.tokenizer()) {
      TokenTable table = TokenTable.of(tokenizer);
      GgufVocabulary.write(fields, table.padded(config.vocabSize()));
      lost = table.lostInGguf();
    }
    List<GgufTensor> tensors = new ArrayList<>();
    for (TensorSpec spec : config.tensors()) {
      tensors.add(GgufTensor.of(GgufLayout.name(spec), type(config, spec), spec.shape()));
    }
    Optional<float[]> divisors = GgufRope.divisors(config);
    divisors.ifPresent(
        each -> tensors.add(GgufTensor.of(GgufRope.DIVISORS, GgufType.F32, each.length)));
    try (GgufWriter writer = GgufWriter.create(target, fields, tensors)) {
      if (divisors.isPresent()) {
        MemorySegment floats = MemorySegment.ofArray(divisors.get());
        writer.write(GgufRope.DIVISORS, converted(GgufRope.DIVISORS, DType.F32, floats));
      }
      writeTensors(layout, source.ternary(), writer, progress);
      writer.commit();
    }
    List<String> remarks = remarks(source);
    remarks.addAll(lost);
    return remarks;
  }

  private List<String> remarks(ModelSource source) {
    String weights =
        type.hasGroupScales()
            ? "llama.cpp quantizes activations by blocks of 32, so its logits are close, not equal;"
                + (type == GgufType.Q2_0 ? "" : " only PrismML's fork reads " + type + ";")
                + " what is not ternary is rounded to f16"
            : type == GgufType.I2_S
                ? "only microsoft/BitNet's fork of llama.cpp reads I2_S"
                : "scales and embeddings are rounded to f16; llama.cpp does not quantize"
                    + " activations as this model was trained, so its logits are close, not"
                    + " equal";
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
    Optional<String> fault = GgufLayout.exportFault(config);
    if (fault.isPresent()) {
      throw new IllegalArgumentException(fault.get());
    }
    if (type == GgufType.I2_S && ModelFamily.of(config) == ModelFamily.QWEN3) {
      throw new IllegalArgumentException(
          "microsoft/BitNet's fork of llama.cpp, which reads I2_S, has no architecture qwen3; use"
              + " gguf-tq2_0 or gguf-f16");
    }
    requireScales(config);
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

  private void requireScales(LlamaConfig config) {
    int columns = config.weights().scaleColumns();
    boolean fits = columns % type.blockValues() == 0; // a block may repeat the scale of its group
    if (type.hasGroupScales() && (columns == 0 || !fits)) {
      throw new IllegalArgumentException(
          columns == 0
              ? "%s is for models with group scales; use gguf-tq2_0".formatted(type)
              : "%s has a scale for %d values, but this model one for %d; use gguf-q2_0"
                  .formatted(type, type.blockValues(), columns));
    }
    if (type != GgufType.F16 && !type.hasGroupScales() && columns > 0) {
      throw new IllegalArgumentException(
          "%s cannot hold a scale for every %d values; use %s"
              .formatted(type, columns, columns % 128 == 0 ? "gguf-pq2_0" : "gguf-q2_0"));
    }
  }

  /// Refuses a target that may not be replaced, or is no GGUF file.
  static void requireReplaceable(Path target, ModelDirectory.Existing existing) throws IOException {
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
    boolean forked = type == GgufType.I2_S && config.activation() == Activation.RELU_SQUARED;
    return config.subNorms() && forked
        ? GgufArchitecture.BITNET_158
        : GgufArchitecture.of(ModelFamily.of(config));
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
    GgufRope.write(fields, prefix, config.heads().variant().scaling());
    ActivationScale activations = config.weights().activations();
    if (config.hasGroupScales() && activations != ActivationScale.INT8_GROUP) {
      fields.put(GgufLayout.ACTIVATIONS_KEY, activations.key());
    }
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
      case Q2_0 -> 41;
      case PQ2_0 -> 128;
      case PTQ1_0 -> 129;
      default -> throw new IllegalArgumentException("models are not written as " + type);
    };
  }

  private GgufType type(LlamaConfig config, TensorSpec tensor) {
    return switch (tensor.kind()) {
      case TERNARY -> type;
      case EMBEDDING, HEAD -> isTrits(config, tensor) ? type : GgufType.F16;
      case NORM, BIAS, ADAPTER -> GgufType.F32;
    };
  }

  /// Whether a parameter is written as trits: linear layers, and with group scales all that are.
  private boolean isTrits(LlamaConfig config, TensorSpec tensor) {
    return tensor.kind() == TensorSpec.Kind.TERNARY
        || (config.hasGroupScales() && type.hasGroupScales() && config.isTernary(tensor));
  }

  private void writeTensors(
      GgufLayout layout, TernaryWeights weights, GgufWriter writer, LongConsumer progress)
      throws IOException {
    long parameters = 0;
    for (TensorSpec tensor : layout.config().tensors()) {
      String name = GgufLayout.name(tensor);
      if (isTrits(layout.config(), tensor)) {
        writeTrits(tensor, layout.order(tensor), weights.ternary(tensor), writer);
      } else {
        DType dtype = type(layout.config(), tensor) == GgufType.F16 ? DType.F16 : DType.F32;
        RotaryOrder order = layout.order(tensor);
        FloatRows.forEach(
            weights,
            tensor,
            chunk -> writer.write(name, converted(tensor.name(), dtype, order.apply(chunk))));
      }
      parameters += tensor.count();
      progress.accept(parameters);
    }
  }

  /// Floats as a file has them.
  ///
  /// @param tensor its name, for messages
  /// @throws IllegalArgumentException if the type cannot express a value
  static MemorySegment converted(String tensor, DType dtype, MemorySegment floats) {
    int count = (int) (floats.byteSize() / Float.BYTES);
    for (int i = 0; i < count; i++) {
      float value = floats.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
      if (!(Math.abs(value) <= (dtype == DType.F16 ? LARGEST_HALF : Float.MAX_VALUE))) {
        throw new IllegalArgumentException(
            "tensor '%s' holds %s, which %s cannot express".formatted(tensor, value, dtype));
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
        pack(tensor, trits, scales(tensor, rows, stored), packed);
        System.arraycopy(packed, 0, chunk, row * rowBytes, rowBytes);
      }
      writer.write(name, MemorySegment.ofArray(chunk));
    }
    if (type == GgufType.I2_S) {
      writer.write(name, tail(tensor, rows));
    }
  }

  /// The scales of a row's groups in half precision.
  private short[] scales(TensorSpec tensor, TernaryRows rows, int row) {
    short[] halves = new short[rows.columns() / rows.groupColumns()];
    for (int group = 0; group < halves.length; group++) {
      float scale = rows.scale(row, group);
      halves[group] = Float.floatToFloat16(scale);
      float rounded = Float.float16ToFloat(halves[group]);
      boolean zeros = scale == 0 && rows.isGrouped(); // of a group of zeros
      if (type != GgufType.I2_S && !((rounded > 0 || zeros) && rounded <= LARGEST_HALF)) {
        throw new IllegalArgumentException(
            "tensor '%s' has the scale %s, which F16 cannot express"
                .formatted(tensor.name(), scale));
      }
    }
    return halves;
  }

  /// @param scales one for the row, or one for each of its groups
  private void pack(TensorSpec tensor, byte[] trits, short[] scales, byte[] packed) {
    int width = trits.length / scales.length;
    if (type == GgufType.F16) {
      for (int i = 0; i < trits.length; i++) {
        short half = scales[i / width];
        int bits = trits[i] == 0 ? 0 : trits[i] > 0 ? half : half | 0x8000;
        packed[2 * i] = (byte) bits;
        packed[2 * i + 1] = (byte) (bits >> 8);
      }
      return;
    }
    short[] blocks = new short[tensor.columns() / type.blockValues()];
    for (int block = 0; block < blocks.length; block++) {
      blocks[block] = scales[block * type.blockValues() / width];
    }
    TritBlocks.pack(type, trits, blocks, packed);
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
