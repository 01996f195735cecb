package bitnet.format.gguf;

import bitnet.format.TensorSlots;
import bitnet.storage.AtomicFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// Writes a GGUF file of version 3 tensor by tensor, without holding any of them: all are declared
/// first, then each is filled by chunks appended to it, in any order of tensors.
///
/// The file is written next to its target and takes its place on [#commit] only; closing before
/// that leaves no trace. A writer is used by one thread.
public final class GgufWriter implements AutoCloseable {
  private final AtomicFile output;
  private final TensorSlots<GgufTensor> slots;
  private final long dataBegin;

  private GgufWriter(AtomicFile output, TensorSlots<GgufTensor> slots, long dataBegin) {
    this.output = output;
    this.slots = slots;
    this.dataBegin = dataBegin;
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
    TensorSlots<GgufTensor> slots = new TensorSlots<>(file);
    long end = 0;
    for (GgufTensor tensor : tensors) {
      long offset = aligned(end);
      GgufTensor placed = new GgufTensor(tensor.name(), tensor.type(), tensor.shape(), offset);
      end = slots.add(tensor.name(), placed, offset, tensor.bytes()).end();
    }
    byte[] header = header(fields, slots);
    AtomicFile output = AtomicFile.create(file);
    try {
      output.write(ByteBuffer.wrap(header), 0);
      GgufWriter writer = new GgufWriter(output, slots, header.length);
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

  private static byte[] header(GgufFields fields, TensorSlots<GgufTensor> slots) {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    ByteBuffer fixed = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    fixed.putInt(GgufHeader.MAGIC).putInt(GgufHeader.VERSION);
    fixed.putLong(slots.all().size()).putLong(fields.size());
    header.writeBytes(fixed.array());
    header.writeBytes(fields.bytes());
    for (TensorSlots.Slot<GgufTensor> slot : slots.all()) {
      GgufTensor tensor = slot.tensor();
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
  /// @throws IllegalArgumentException if the tensor was not declared or has no room for the chunk
  public void write(String tensor, MemorySegment chunk) throws IOException {
    slots.append(output, dataBegin, tensor, chunk);
  }

  /// Puts the finished file in its place, on disk before this returns.
  ///
  /// @throws IllegalStateException if a tensor is not completely written
  public void commit() throws IOException {
    slots.requireComplete();
    output.commit();
  }

  /// Deletes the unfinished file unless it was committed.
  @Override
  public void close() throws IOException {
    output.close();
  }
}
