package bitnet.format;

import bitnet.storage.AtomicFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// The tensors of a file that is being written, in the order of the file: the offset of each
/// tensor's data, and how many bytes of it are written. Used by one thread.
///
/// @param <T> how the format describes a tensor
public final class TensorSlots<T> {
  private static final int STAGE_BYTES = 1 << 20;

  private final Path file;
  private final Map<String, Slot<T>> slots = new LinkedHashMap<>();
  private final ByteBuffer stage = ByteBuffer.allocateDirect(STAGE_BYTES);

  /// @param file for messages
  public TensorSlots(Path file) {
    this.file = file;
  }

  /// The data of one tensor.
  public static final class Slot<T> {
    private final String name;
    private final T tensor;
    private final long offset;
    private final long bytes;
    private long written;

    private Slot(String name, T tensor, long offset, long bytes) {
      this.name = name;
      this.tensor = tensor;
      this.offset = offset;
      this.bytes = bytes;
    }

    public T tensor() {
      return tensor;
    }

    /// Where the data begin, counted from the beginning of all data.
    public long offset() {
      return offset;
    }

    /// Where the data end.
    public long end() {
      return Math.addExact(offset, bytes);
    }

    private long bytesLeft() {
      return bytes - written;
    }
  }

  /// Declares a tensor after those declared before.
  ///
  /// @param bytes of its data
  /// @throws IllegalArgumentException if another one has its name
  public Slot<T> add(String name, T tensor, long offset, long bytes) {
    Slot<T> slot = new Slot<>(name, tensor, offset, bytes);
    if (slots.put(name, slot) != null) {
      throw new IllegalArgumentException(
          "tensor '%s' is declared twice; names must be unique".formatted(name));
    }
    return slot;
  }

  /// All tensors, in the order of the file.
  public Collection<Slot<T>> all() {
    return Collections.unmodifiableCollection(slots.values());
  }

  /// The tensor of that name.
  ///
  /// @throws IllegalArgumentException if it was not declared
  public Slot<T> require(String name) {
    Slot<T> slot = slots.get(name);
    if (slot == null) {
      throw new IllegalArgumentException(
          "tensor '%s' was not declared for %s".formatted(name, file));
    }
    return slot;
  }

  /// Appends bytes to a tensor.
  ///
  /// @param dataBegin where the data begin in the file
  /// @throws IllegalArgumentException if the tensor was not declared or has no room for the chunk
  public void append(AtomicFile output, long dataBegin, String name, MemorySegment chunk)
      throws IOException {
    Slot<T> slot = require(name);
    requireRoom(slot, chunk.byteSize());
    for (long done = 0; done < chunk.byteSize(); ) {
      int size = (int) Math.min(STAGE_BYTES, chunk.byteSize() - done);
      MemorySegment.ofBuffer(stage.clear()).copyFrom(chunk.asSlice(done, size));
      output.write(stage.position(0).limit(size), dataBegin + slot.offset + slot.written);
      slot.written += size;
      done += size;
    }
  }

  /// Refuses data that a tensor has no room for.
  ///
  /// @throws IllegalArgumentException naming both sizes
  public void requireRoom(Slot<T> slot, long bytes) {
    if (bytes > slot.bytesLeft()) {
      throw new IllegalArgumentException(
          "tensor '%s' of %s has room for %d bytes more, not for %d"
              .formatted(slot.name, file, slot.bytesLeft(), bytes));
    }
  }

  /// Refuses a file that lacks data.
  ///
  /// @throws IllegalStateException naming the first tensor that is not completely written
  public void requireComplete() {
    for (Slot<T> slot : slots.values()) {
      if (slot.bytesLeft() != 0) {
        throw new IllegalStateException(
            "tensor '%s' of %s lacks %d of %d bytes"
                .formatted(slot.name, file, slot.bytesLeft(), slot.bytes));
      }
    }
  }
}
