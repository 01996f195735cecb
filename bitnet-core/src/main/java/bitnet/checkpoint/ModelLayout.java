package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.format.safetensors.TensorEntry;
import bitnet.format.safetensors.TensorStore;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryPacking;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// How a model directory's `model.safetensors` stores the parameters of a model.
///
/// Every parameter lies under `model.<name>` with its original dimensions in
/// `<that name>.shape`. A ternary parameter is base-3 packed, with its scale in `<that
/// name>_scale`, the others are bfloat16.
final class ModelLayout {
  /// The elements of a `.shape` tensor.
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final String PREFIX = "model.";
  private static final String SHAPE = ".shape";
  private static final String SCALE = "_scale";

  private ModelLayout() {}

  /// The name in the file; Hugging Face's but for `lm_head.weight`.
  static String storedName(TensorSpec tensor) {
    return tensor.name().startsWith(PREFIX) ? tensor.name() : PREFIX + tensor.name();
  }

  static String shapeName(TensorSpec tensor) {
    return storedName(tensor) + SHAPE;
  }

  static String scaleName(TensorSpec tensor) {
    return storedName(tensor) + SCALE;
  }

  /// Whether a parameter is stored as trits.
  static boolean isTernary(LlamaConfig config, TensorSpec tensor) {
    return config.isTernary(tensor);
  }

  /// The number of scales of a ternary parameter: one, or for an embedding one per row; with group
  /// scales one for each group of columns of each row.
  static int scaleCount(LlamaConfig config, TensorSpec tensor) {
    if (config.hasGroupScales()) {
      return Math.toIntExact(tensor.count() / config.weights().scaleColumns());
    }
    return tensor.kind() == TensorSpec.Kind.EMBEDDING ? tensor.rows() : 1;
  }

  /// The type of scales: that of most files with group scales, which are many.
  static DType scaleType(LlamaConfig config) {
    return config.hasGroupScales() ? DType.F16 : DType.F32;
  }

  /// The tensors of the file that belong to one parameter.
  static List<TensorHeader> headers(LlamaConfig config, TensorSpec tensor) {
    List<TensorHeader> headers = new ArrayList<>();
    if (isTernary(config, tensor)) {
      headers.add(
          TensorHeader.of(
              storedName(tensor), DType.U8, TernaryPacking.packedBytes(tensor.count())));
      headers.add(
          TensorHeader.of(scaleName(tensor), scaleType(config), scaleCount(config, tensor)));
    } else {
      headers.add(TensorHeader.of(storedName(tensor), DType.BF16, tensor.shape()));
    }
    headers.add(TensorHeader.of(shapeName(tensor), DType.I32, tensor.shape().length));
    return headers;
  }

  /// The tensors of the whole file.
  static List<TensorHeader> headers(LlamaConfig config) {
    return config.tensors().stream().flatMap(tensor -> headers(config, tensor).stream()).toList();
  }

  /// Writes the original dimensions of a parameter.
  static void writeShape(TensorSpec tensor, SafetensorsWriter model) throws IOException {
    long[] shape = tensor.shape();
    MemorySegment segment = MemorySegment.ofArray(new byte[shape.length * Integer.BYTES]);
    for (int i = 0; i < shape.length; i++) {
      segment.setAtIndex(INT, i, (int) shape[i]);
    }
    model.write(shapeName(tensor), segment);
  }

  /// The size that the index states: a weight counts 1.58 bits in a ternary tensor, everything else
  /// its real bytes.
  static long nominalBytes(LlamaConfig config) {
    long bytes = 0;
    for (TensorSpec tensor : config.tensors()) {
      for (TensorHeader header : headers(config, tensor)) {
        boolean packed = header.dtype() == DType.U8;
        bytes += packed ? Math.ceilDiv(tensor.count() * 158, 800L) : header.bytes();
      }
    }
    return bytes;
  }

  /// Checks that a store holds exactly the tensors of a model, with their types and dimensions.
  ///
  /// @throws CheckpointException naming file, tensor and reason
  static void check(LlamaConfig config, TensorStore store) throws CheckpointException {
    ConfigJson.requireLayers(config, store);
    Set<String> known = new HashSet<>();
    for (TensorSpec tensor : config.tensors()) {
      for (TensorHeader header : headers(config, tensor)) {
        checkHeader(store, header);
        known.add(header.name());
      }
      checkShape(store, tensor);
    }
    for (TensorEntry entry : store.entries()) {
      if (!known.contains(entry.name())) {
        throw CheckpointException.ofTensor(
            store.fileOf(entry.name()),
            entry.name(),
            "is not a parameter of the model in config.json");
      }
    }
  }

  private static void checkHeader(TensorStore store, TensorHeader header)
      throws CheckpointException {
    TensorEntry entry = store.require(header.name());
    if (entry.dtype() != header.dtype() || !entry.shape().equals(header.shape())) {
      throw CheckpointException.ofTensor(
          store.fileOf(header.name()),
          header.name(),
          "is %s %s, but config.json asks for %s %s"
              .formatted(entry.dtype(), entry.shape(), header.dtype(), header.shape()));
    }
  }

  private static void checkShape(TensorStore store, TensorSpec tensor) throws CheckpointException {
    String name = shapeName(tensor);
    int[] stored = store.data(store.require(name)).toArray(INT);
    long[] expected = tensor.shape();
    if (!Arrays.equals(Arrays.stream(stored).asLongStream().toArray(), expected)) {
      throw CheckpointException.ofTensor(
          store.fileOf(name),
          name,
          "says %s, but config.json asks for %s"
              .formatted(Arrays.toString(stored), Arrays.toString(expected)));
    }
  }

  /// The real size of the file's data.
  static long dataBytes(LlamaConfig config) {
    return headers(config).stream().mapToLong(TensorHeader::bytes).sum();
  }
}
