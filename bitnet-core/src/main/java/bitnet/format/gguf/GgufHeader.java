package bitnet.format.gguf;

import bitnet.format.CheckpointException;
import bitnet.format.TensorHeader;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The validated header of a GGUF file, versions 2 and 3.
///
/// @param version the version of the format
/// @param metadata the keys and values
/// @param tensors in the order of the header
/// @param dataBegin where the data begin, in bytes
public record GgufHeader(
    int version, GgufMetadata metadata, List<GgufTensor> tensors, long dataBegin) {
  public static final int MAGIC = 0x46554747; // "GGUF", little-endian
  static final int VERSION = 3;
  static final int ALIGNMENT = 32;
  static final String ALIGNMENT_KEY = "general.alignment";

  private static final int LEAST_ALIGNMENT = 8;
  private static final int MOST_ALIGNMENT = 1 << 20;
  private static final int MOST_TENSORS = 10_000; // three times what the largest real files have
  private static final int LONGEST_NAME = 1024;
  private static final int MOST_DIMENSIONS = 4;
  private static final int LEAST_BYTES = 8 + 1 + 4 + 8 + 4 + 8; // of a tensor in the header

  /// Checks a whole file.
  ///
  /// @param file for messages
  /// @throws CheckpointException if it is not valid, saying where and why
  static GgufHeader parse(Path file, MemorySegment bytes) throws CheckpointException {
    GgufCursor cursor = new GgufCursor(file, bytes, 0);
    int version = version(file, cursor);
    long tensorCount = cursor.readLong("the tensor count");
    long keyCount = cursor.readCount(1, "the metadata count");
    GgufMetadata metadata = GgufMetadata.parse(file, bytes, cursor, keyCount);
    if (tensorCount < 0
        || tensorCount > MOST_TENSORS
        || tensorCount > cursor.remaining() / LEAST_BYTES) {
      throw new CheckpointException(
          file,
          "says it has %s tensors; at most %d are allowed and %d bytes are left"
              .formatted(Long.toUnsignedString(tensorCount), MOST_TENSORS, cursor.remaining()));
    }
    int alignment = alignment(metadata);
    List<GgufTensor> tensors = new ArrayList<>((int) tensorCount);
    for (int i = 0; i < tensorCount; i++) {
      tensors.add(tensor(file, cursor, i));
    }
    long dataBegin = Math.ceilDiv(cursor.position(), alignment) * (long) alignment;
    GgufLegacyBlocks.replace(tensors, alignment, bytes.byteSize() - dataBegin);
    checkPlaces(file, tensors, alignment, bytes.byteSize() - dataBegin);
    return new GgufHeader(version, metadata, List.copyOf(tensors), dataBegin);
  }

  private static int version(Path file, GgufCursor cursor) throws CheckpointException {
    if (cursor.remaining() < Integer.BYTES || cursor.readInt("the magic number") != MAGIC) {
      throw new CheckpointException(file, "does not begin with GGUF, so it is not a GGUF file");
    }
    int version = cursor.readInt("the version");
    if (version == 2 || version == VERSION) {
      return version;
    }
    String reason =
        Integer.reverseBytes(version) <= VERSION && Integer.reverseBytes(version) > 0
            ? "is a big-endian GGUF file; only %s ones are supported"
                .formatted(ByteOrder.LITTLE_ENDIAN)
            : "is GGUF version %s; supported are 2 and 3, convert it again with a current llama.cpp"
                .formatted(Integer.toUnsignedString(version));
    throw new CheckpointException(file, reason);
  }

  private static int alignment(GgufMetadata metadata) throws CheckpointException {
    int alignment = metadata.integer(ALIGNMENT_KEY, LEAST_ALIGNMENT, MOST_ALIGNMENT, ALIGNMENT);
    if (Integer.bitCount(alignment) != 1) {
      throw metadata.fault(ALIGNMENT_KEY, "is %d; it must be a power of 2".formatted(alignment));
    }
    return alignment;
  }

  private static GgufTensor tensor(Path file, GgufCursor cursor, int index)
      throws CheckpointException {
    String name = cursor.readText(LONGEST_NAME, "the name of tensor %d".formatted(index));
    Optional<String> fault = TensorHeader.nameFault(name);
    if (fault.isPresent()) {
      throw CheckpointException.ofTensor(file, name, fault.get());
    }
    int dimensions = cursor.readInt("the number of dimensions");
    if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
      throw CheckpointException.ofTensor(
          file,
          name,
          "has %s dimensions; it must be 1 to %d"
              .formatted(Integer.toUnsignedString(dimensions), MOST_DIMENSIONS));
    }
    List<Long> shape = new ArrayList<>(dimensions);
    for (int i = 0; i < dimensions; i++) {
      shape.addFirst(cursor.readLong("a dimension"));
    }
    int type = cursor.readInt("a tensor's type");
    GgufTensor tensor =
        new GgufTensor(
            name,
            GgufType.of(type).orElseThrow(() -> unknownType(file, name, type)),
            shape,
            cursor.readLong("a tensor's offset"));
    checkShape(file, tensor);
    return tensor;
  }

  private static CheckpointException unknownType(Path file, String name, int type) {
    return CheckpointException.ofTensor(
        file,
        name,
        "has the unknown type %s; supported are %s"
            .formatted(Integer.toUnsignedString(type), GgufType.readable()));
  }

  private static void checkShape(Path file, GgufTensor tensor) throws CheckpointException {
    try {
      long count = 1;
      for (long dimension : tensor.shape()) {
        if (dimension < 1) {
          throw CheckpointException.ofTensor(
              file,
              tensor.name(),
              "shape %s holds %s; a dimension is at least 1 and below 2^63"
                  .formatted(tensor.shape(), Long.toUnsignedString(dimension)));
        }
        count = Math.multiplyExact(count, dimension);
      }
      tensor.type().bytes(count);
    } catch (ArithmeticException overflow) {
      throw CheckpointException.ofTensor(
          file, tensor.name(), "the size of shape %s overflows".formatted(tensor.shape()));
    }
    if (tensor.columns() % tensor.type().blockValues() != 0) {
      throw CheckpointException.ofTensor(
          file,
          tensor.name(),
          "has %d columns; %s needs a multiple of %d"
              .formatted(tensor.columns(), tensor.type(), tensor.type().blockValues()));
    }
  }

  private static void checkPlaces(
      Path file, List<GgufTensor> tensors, int alignment, long dataBytes)
      throws CheckpointException {
    Set<String> names = HashSet.newHashSet(tensors.size());
    List<GgufTensor> inOrder = new ArrayList<>(tensors);
    inOrder.sort(Comparator.comparingLong(GgufTensor::offset));
    long free = 0;
    for (GgufTensor tensor : inOrder) {
      String reason = null;
      if (!names.add(tensor.name())) {
        reason = "occurs twice";
      } else if (tensor.offset() < 0 || tensor.offset() % alignment != 0) {
        reason =
            "begins at byte %s of the data, which is not a multiple of the alignment %d"
                .formatted(Long.toUnsignedString(tensor.offset()), alignment);
      } else if (tensor.bytes() > dataBytes - tensor.offset()) {
        reason =
            "takes %d bytes from byte %d of the data, which end at %d; the file is truncated"
                .formatted(tensor.bytes(), tensor.offset(), Math.max(0, dataBytes));
      } else if (tensor.offset() < free) {
        reason = "begins at byte %d of the data, inside another tensor".formatted(tensor.offset());
      }
      if (reason != null) {
        throw CheckpointException.ofTensor(file, tensor.name(), reason);
      }
      free = tensor.offset() + tensor.bytes();
    }
  }
}
