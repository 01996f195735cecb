package bitnet.format.gguf;

import bitnet.format.CheckpointException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A GGUF file of version 2 or 3, memory-mapped and validated when it is opened: metadata within
/// the file, no key or tensor twice, sizes that do not overflow, data that are aligned, inside the
/// file and do not overlap.
///
/// Segments from [#data] are valid until [#close]; several threads may read at once. The file must
/// not shrink while it is open: replace files by renaming, as this package's writers do.
public final class GgufFile implements AutoCloseable {
  private final Path file;
  private final Arena arena;
  private final MemorySegment bytes;
  private final GgufHeader header;
  private final Map<String, GgufTensor> byName;

  /// A file in memory.
  ///
  /// @param arena closed with this object
  /// @param bytes the whole file
  public GgufFile(Path file, Arena arena, MemorySegment bytes) throws CheckpointException {
    this.file = file;
    this.arena = arena;
    this.bytes = bytes;
    this.header = GgufHeader.parse(file, bytes);
    this.byName = HashMap.newHashMap(header.tensors().size());
    header.tensors().forEach(tensor -> byName.put(tensor.name(), tensor));
  }

  /// Whether a file begins as GGUF files do; its name does not matter.
  public static boolean isGguf(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    byte[] magic = new byte[Integer.BYTES];
    try (var input = Files.newInputStream(file)) {
      return input.readNBytes(magic, 0, magic.length) == magic.length
          && MemorySegment.ofArray(magic).get(GgufCursor.INT, 0) == GgufHeader.MAGIC;
    }
  }

  /// Validates and maps a file.
  ///
  /// @throws NoSuchFileException if the file does not exist
  /// @throws CheckpointException if it is not a valid GGUF file, with the place and the reason
  /// @throws IOException if it cannot be read
  @SuppressWarnings("MustBeClosedChecker") // the arena lives as long as the file
  public static GgufFile open(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(file, "is not a regular file");
    }
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return new GgufFile(
          file, arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (IOException | RuntimeException failure) {
      arena.close();
      throw failure;
    }
  }

  /// The file that was opened.
  public Path path() {
    return file;
  }

  /// The version of the format, 2 or 3.
  public int version() {
    return header.version();
  }

  /// The keys and values in front of the tensors.
  public GgufMetadata metadata() {
    return header.metadata();
  }

  /// Every tensor in the order of the header.
  public List<GgufTensor> tensors() {
    return header.tensors();
  }

  /// The tensor of that name, if there is one.
  public Optional<GgufTensor> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /// The tensor of that name.
  ///
  /// @throws CheckpointException naming file and tensor, if the tensor does not exist
  public GgufTensor require(String name) throws CheckpointException {
    GgufTensor tensor = byName.get(name);
    if (tensor == null) {
      throw CheckpointException.ofTensor(
          file, name, "is missing; the file holds %d other tensors".formatted(byName.size()));
    }
    return tensor;
  }

  /// The bytes of a tensor, read-only and little-endian.
  ///
  /// @throws IllegalArgumentException if the tensor is not of this file
  public MemorySegment data(GgufTensor tensor) {
    if (!tensor.equals(byName.get(tensor.name()))) {
      throw new IllegalArgumentException("%s is not a tensor of %s".formatted(tensor, file));
    }
    return bytes.asSlice(header.dataBegin() + tensor.offset(), tensor.bytes());
  }

  /// Reads rows of a tensor as fp32, scales applied.
  ///
  /// @param firstRow the first row to read
  /// @param rows how many rows
  /// @param target `rows * tensor.columns() * 4` bytes, filled in native byte order
  /// @throws CheckpointException if the type is not supported or a block is damaged
  /// @throws IllegalArgumentException if the rows are outside the tensor or the target has another
  ///     size
  public void readFloats(GgufTensor tensor, long firstRow, long rows, MemorySegment target)
      throws CheckpointException {
    if (!tensor.type().isReadable()) {
      throw CheckpointException.ofTensor(
          file,
          tensor.name(),
          "holds %s; supported are %s, so export the model again in one of these"
              .formatted(tensor.type(), GgufType.readable()));
    }
    if (firstRow < 0 || rows < 0 || rows > tensor.rows() - firstRow) {
      throw new IllegalArgumentException(
          "rows %d + %d are outside tensor '%s' of %d rows"
              .formatted(firstRow, rows, tensor.name(), tensor.rows()));
    }
    long count = rows * tensor.columns();
    if (target.byteSize() != count * Float.BYTES) {
      throw new IllegalArgumentException(
          "target has %d bytes but %d values of tensor '%s' take %d"
              .formatted(target.byteSize(), count, tensor.name(), count * Float.BYTES));
    }
    try {
      FloatBlocks.toFloats(tensor.type(), data(tensor), firstRow * tensor.columns(), count, target);
    } catch (IllegalArgumentException damage) {
      throw CheckpointException.ofTensor(file, tensor.name(), String.valueOf(damage.getMessage()));
    }
  }

  /// Lets go of the pages that were read; read again, they come back.
  public void unload() {
    if (bytes.isMapped()) {
      bytes.unload();
    }
  }

  /// Unmaps the file; segments of it must not be used any more.
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
