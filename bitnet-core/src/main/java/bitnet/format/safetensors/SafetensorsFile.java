package bitnet.format.safetensors;

import bitnet.format.CheckpointException;
import bitnet.format.FloatConversion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A safetensors file, memory-mapped and fully validated when it is opened: header length, JSON
/// without duplicate keys, sizes, and data that cover the file without holes or overlaps.
///
/// Segments from [#data] are valid until [#close]; several threads may read at once. The file must
/// not shrink while it is open: replace files by renaming, as this package's writers do.
public final class SafetensorsFile implements AutoCloseable {
  private final Path file;
  private final Arena arena;
  private final MemorySegment data;
  private final List<TensorEntry> entries;
  private final Map<String, TensorEntry> byName;
  private final Map<String, String> metadata;

  @SuppressWarnings("MustBeClosedChecker") // the arena lives as long as this object
  private SafetensorsFile(
      Path file, FileChannel channel, long dataBegin, long dataBytes, SafetensorsHeader header)
      throws IOException {
    this.file = file;
    this.entries = header.entries();
    this.byName = HashMap.newHashMap(entries.size());
    entries.forEach(entry -> byName.put(entry.name(), entry));
    this.metadata = Collections.unmodifiableMap(header.metadata());
    this.arena = Arena.ofShared();
    try {
      this.data = channel.map(FileChannel.MapMode.READ_ONLY, dataBegin, dataBytes, arena);
    } catch (IOException | RuntimeException failure) {
      arena.close();
      throw failure;
    }
  }

  /// Validates and maps a file.
  ///
  /// @throws NoSuchFileException if the file does not exist
  /// @throws CheckpointException if it is not a valid safetensors file
  /// @throws IOException if it cannot be read
  public static SafetensorsFile open(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(file, "is not a regular file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long fileBytes = channel.size();
      byte[] text = headerText(file, channel, fileBytes);
      long dataBegin = (long) Long.BYTES + text.length;
      long dataBytes = fileBytes - dataBegin;
      SafetensorsHeader header = SafetensorsHeader.parse(file, text, dataBytes);
      return new SafetensorsFile(file, channel, dataBegin, dataBytes, header);
    }
  }

  private static byte[] headerText(Path file, FileChannel channel, long fileBytes)
      throws IOException {
    if (fileBytes < Long.BYTES) {
      throw new CheckpointException(
          file,
          "has %d bytes; a safetensors file begins with a header length of 8 bytes"
              .formatted(fileBytes));
    }
    long length = read(file, channel, Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    if (length < 0 || length > SafetensorsHeader.LONGEST) {
      throw new CheckpointException(
          file,
          "header length is %s; at most %d is allowed"
              .formatted(Long.toUnsignedString(length), SafetensorsHeader.LONGEST));
    }
    if (length > fileBytes - Long.BYTES) {
      throw new CheckpointException(
          file,
          "header length is %d but only %d bytes follow; the file is truncated"
              .formatted(length, fileBytes - Long.BYTES));
    }
    return read(file, channel, (int) length).array();
  }

  private static ByteBuffer read(Path file, FileChannel channel, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new CheckpointException(file, "became shorter while it was read");
      }
    }
    return buffer;
  }

  /// The file that was opened.
  public Path path() {
    return file;
  }

  /// Every tensor in the order of the data.
  public List<TensorEntry> entries() {
    return entries;
  }

  /// The header's free-form text, `__metadata__`.
  public Map<String, String> metadata() {
    return metadata;
  }

  /// The tensor of that name, if there is one.
  public Optional<TensorEntry> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /// The tensor of that name.
  ///
  /// @throws CheckpointException naming file and tensor, if the tensor does not exist
  public TensorEntry require(String name) throws CheckpointException {
    TensorEntry entry = byName.get(name);
    if (entry == null) {
      throw CheckpointException.ofTensor(
          file, name, "is missing; the file holds %d other tensors".formatted(entries.size()));
    }
    return entry;
  }

  /// The bytes of a tensor, read-only, little-endian and not necessarily aligned.
  ///
  /// @throws IllegalArgumentException if the entry is not of this file
  public MemorySegment data(TensorEntry entry) {
    if (!entry.equals(byName.get(entry.name()))) {
      throw new IllegalArgumentException("%s is not a tensor of %s".formatted(entry, file));
    }
    return data.asSlice(entry.offset(), entry.bytes());
  }

  /// Reads a floating-point tensor as fp32.
  ///
  /// @param target `entry.count() * 4` bytes, filled in native byte order
  /// @throws CheckpointException if the tensor holds integers
  public void readFloats(TensorEntry entry, MemorySegment target) throws CheckpointException {
    readFloats(entry, 0, entry.rows(), target);
  }

  /// Reads rows of a floating-point tensor as fp32. F64 is rounded to the nearest fp32.
  ///
  /// @param firstRow the first row to read
  /// @param rows how many rows
  /// @param target `rows * entry.rowLength() * 4` bytes, filled in native byte order
  /// @throws CheckpointException if the tensor holds integers
  /// @throws IllegalArgumentException if the rows are outside the tensor or the target has another
  ///     size
  public void readFloats(TensorEntry entry, long firstRow, long rows, MemorySegment target)
      throws CheckpointException {
    if (!entry.dtype().isFloat()) {
      throw CheckpointException.ofTensor(
          file, entry.name(), "holds %s, not floating-point numbers".formatted(entry.dtype()));
    }
    if (firstRow < 0 || rows < 0 || rows > entry.rows() - firstRow) {
      throw new IllegalArgumentException(
          "rows %d + %d are outside tensor '%s' of %d rows"
              .formatted(firstRow, rows, entry.name(), entry.rows()));
    }
    long count = rows * entry.rowLength();
    if (target.byteSize() != count * Float.BYTES) {
      throw new IllegalArgumentException(
          "target has %d bytes but %d values of tensor '%s' take %d"
              .formatted(target.byteSize(), count, entry.name(), count * Float.BYTES));
    }
    long elementBytes = entry.dtype().bytes();
    MemorySegment source =
        data(entry).asSlice(firstRow * entry.rowLength() * elementBytes, count * elementBytes);
    FloatConversion.toFloats(entry.dtype(), source, target, count);
  }

  /// Reads whole rows of a floating-point tensor as fp32, as many as the target has room for.
  ///
  /// @param first index of the first value, the beginning of a row
  public void readValues(TensorEntry entry, long first, MemorySegment target)
      throws CheckpointException {
    long rowLength = Math.max(1, entry.rowLength());
    readFloats(entry, first / rowLength, target.byteSize() / Float.BYTES / rowLength, target);
  }

  /// Reads a small floating-point tensor as an array of fp32.
  ///
  /// @throws CheckpointException if the tensor holds integers or does not fit an array
  public float[] readFloats(TensorEntry entry) throws CheckpointException {
    if (entry.count() > Integer.MAX_VALUE - 8) {
      throw CheckpointException.ofTensor(
          file, entry.name(), "%d values do not fit an array".formatted(entry.count()));
    }
    float[] values = new float[(int) entry.count()];
    readFloats(entry, MemorySegment.ofArray(values));
    return values;
  }

  /// Lets go of the pages that were read; read again, they come back.
  void unload() {
    if (data.isMapped()) {
      data.unload();
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
