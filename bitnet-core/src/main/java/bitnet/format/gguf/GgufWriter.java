package bitnet.format.gguf;

import bitnet.storage.AtomicFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes a GGUF file of version 3 tensor by tensor, without holding any of them: all are declared
/// first, then each is filled by chunks appended to it, in any order of tensors.
///
/// The file is written next to its target and takes its place on [#commit] only; closing before
/// that leaves no trace. A writer is used by one thread.
public final class GgufWriter implements AutoCloseable {
  private static final int STAGE_BYTES = 1 << 20;

  private final Path file;
  private final AtomicFile output;
  private final Map<String, Slot> slots;
  private final long dataBegin;
  private final ByteBuffer stage = ByteBuffer.allocateDirect(STAGE_BYTES);

  private GgufWriter(Path file, AtomicFile output, Map<String, Slot> slots, long dataBegin) {
    this.file = file;
    this.output = output;
    this.slots = slots;
    this.dataBegin = dataBegin;
  }

  /// One tensor's place in the data and how much of it is written.
  private static final class Slot {
    final GgufTensor tensor;
    long written;

    Slot(GgufTensor tensor) {
      this.tensor = tensor;
    }

    long bytesLeft() {
      return tensor.bytes() - written;
    }
  }

  /// Begins a file and writes its header.
  ///
  /// @param file the target; its directory must exist
  /// @param fields the metadata; the alignment is added
  /// @param tensors every tensor of the file; their offsets do not matter
  /// @throws IllegalArgumentException if two tensors have one name
  public static GgufWriter create(Path file, GgufFields fields, List<GgufTensor> tensors)
      throws IOException {
    fields.put(GgufHeader.ALIGNMENT_KEY, GgufHeader.ALIGNMENT);
    Map<String, Slot> slots = new LinkedHashMap<>();
    long end = 0;
    for (GgufTensor tensor : tensors) {
      long offset = aligned(end);
      Slot slot = new Slot(new GgufTensor(tensor.name(), tensor.type(), tensor.shape(), offset));
      end = Math.addExact(offset, tensor.bytes());
      if (slots.put(tensor.name(), slot) != null) {
        throw new IllegalArgumentException(
            "tensor '%s' is declared twice; names must be unique".formatted(tensor.name()));
      }
    }
    byte[] header = header(fields, slots);
    AtomicFile output = AtomicFile.create(file);
    try {
      output.write(ByteBuffer.wrap(header), 0);
      GgufWriter writer = new GgufWriter(file, output, slots, header.length);
      writer.padEnd(end);
      return writer;
    } catch (IOException | RuntimeException failure) {
      output.close();
      throw failure;
    }
  }

  private static long aligned(long position) {
    return Math.ceilDiv(position, GgufHeader.ALIGNMENT) * (long) GgufHeader.ALIGNMENT;
  }

  private static byte[] header(GgufFields fields, Map<String, Slot> slots) {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    ByteBuffer fixed = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    fixed.putInt(GgufHeader.MAGIC).putInt(GgufHeader.VERSION);
    fixed.putLong(slots.size()).putLong(fields.size());
    header.writeBytes(fixed.array());
    header.writeBytes(fields.bytes());
    for (Slot slot : slots.values()) {
      GgufTensor tensor = slot.tensor;
      byte[] name = tensor.name().getBytes(StandardCharsets.UTF_8);
      int dimensions = tensor.shape().size();
      ByteBuffer entry =
          ByteBuffer.allocate(8 + name.length + 4 + 8 * dimensions + 4 + 8)
              .order(ByteOrder.LITTLE_ENDIAN);
      entry.putLong(name.length).put(name).putInt(dimensions);
      tensor.shape().reversed().forEach(entry::putLong);
      entry.putInt(tensor.type().id()).putLong(tensor.offset());
      header.writeBytes(entry.array());
    }
    header.writeBytes(new byte[(int) (aligned(header.size()) - header.size())]);
    return header.toByteArray();
  }

  /// ggml wants the last tensor to be padded as the others are.
  private void padEnd(long end) throws IOException {
    int padding = (int) (aligned(end) - end);
    output.write(ByteBuffer.allocate(padding), dataBegin + end);
  }

  /// Appends bytes to a tensor, in the form that its type has in a file.
  ///
  /// @throws IllegalArgumentException if there is no such tensor or it has no room for the chunk
  public void write(String tensor, MemorySegment chunk) throws IOException {
    Slot slot = slots.get(tensor);
    if (slot == null || chunk.byteSize() > slot.bytesLeft()) {
      throw new IllegalArgumentException(
          slot == null
              ? "tensor '%s' was not declared for %s".formatted(tensor, file)
              : "tensor '%s' of %s has room for %d bytes more, not for %d"
                  .formatted(tensor, file, slot.bytesLeft(), chunk.byteSize()));
    }
    for (long done = 0; done < chunk.byteSize(); ) {
      int size = (int) Math.min(STAGE_BYTES, chunk.byteSize() - done);
      MemorySegment.ofBuffer(stage.clear()).copyFrom(chunk.asSlice(done, size));
      output.write(stage.position(0).limit(size), dataBegin + slot.tensor.offset() + slot.written);
      slot.written += size;
      done += size;
    }
  }

  /// Puts the finished file in its place, on disk before this returns.
  ///
  /// @throws IllegalStateException if a tensor is not completely written
  public void commit() throws IOException {
    for (Slot slot : slots.values()) {
      if (slot.bytesLeft() != 0) {
        throw new IllegalStateException(
            "tensor '%s' of %s lacks %d of %d bytes"
                .formatted(slot.tensor.name(), file, slot.bytesLeft(), slot.tensor.bytes()));
      }
    }
    output.commit();
  }

  /// Deletes the unfinished file unless it was committed.
  @Override
  public void close() throws IOException {
    output.close();
  }
}
