package bitnet.format.safetensors;

import bitnet.format.DType;
import bitnet.format.FloatConversion;
import bitnet.format.TensorHeader;
import bitnet.format.TensorSlots;
import bitnet.storage.AtomicFile;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// Writes a safetensors file tensor by tensor, without holding any of them: all are declared first,
/// then each is filled by chunks appended to it, in any order of tensors.
///
/// ```java
/// try (SafetensorsWriter writer = SafetensorsWriter.create(file, tensors, Map.of())) {
///   writer.write("a", chunk);
///   writer.commit();
/// }
/// ```
///
/// The file is written next to its target and takes its place on [#commit] only; closing before
/// that leaves no trace. In the file, tensors of wider elements come first, as the reference
/// implementation lays them out, so that every tensor is aligned to its elements. A writer is used
/// by one thread.
public final class SafetensorsWriter implements AutoCloseable {
  private static final int STAGE_BYTES = 1 << 20;

  private final AtomicFile output;
  private final TensorSlots<TensorHeader> slots;
  private final long dataBegin;
  private final ByteBuffer stage = ByteBuffer.allocateDirect(STAGE_BYTES);

  private SafetensorsWriter(AtomicFile output, TensorSlots<TensorHeader> slots, long dataBegin) {
    this.output = output;
    this.slots = slots;
    this.dataBegin = dataBegin;
  }

  /// Begins a file and writes its header.
  ///
  /// @param file the target; its directory must exist
  /// @param tensors every tensor of the file
  /// @param metadata free-form text for the header; PyTorch tools write `format` = `pt`
  /// @throws IllegalArgumentException if two tensors have one name or the header is too long
  public static SafetensorsWriter create(
      Path file, List<TensorHeader> tensors, Map<String, String> metadata) throws IOException {
    TensorSlots<TensorHeader> slots = layOut(file, tensors);
    byte[] header = headerText(slots, metadata);
    AtomicFile output = AtomicFile.create(file);
    try {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      output.write(length.putLong(0, header.length), 0);
      output.write(ByteBuffer.wrap(header), Long.BYTES);
      return new SafetensorsWriter(output, slots, (long) Long.BYTES + header.length);
    } catch (IOException | RuntimeException failure) {
      output.close();
      throw failure;
    }
  }

  private static TensorSlots<TensorHeader> layOut(Path file, List<TensorHeader> tensors) {
    List<TensorHeader> widestFirst = new ArrayList<>(tensors);
    widestFirst.sort(
        Comparator.comparingInt((TensorHeader tensor) -> tensor.dtype().bytes()).reversed());
    TensorSlots<TensorHeader> slots = new TensorSlots<>(file);
    long offset = 0;
    for (TensorHeader tensor : widestFirst) {
      offset = slots.add(tensor.name(), tensor, offset, tensor.bytes()).end();
    }
    return slots;
  }

  private static byte[] headerText(TensorSlots<TensorHeader> slots, Map<String, String> metadata)
      throws IOException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(TensorHeader.METADATA);
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      for (TensorSlots.Slot<TensorHeader> slot : slots.all()) {
        TensorHeader header = slot.tensor();
        json.writeObjectFieldStart(header.name());
        json.writeStringField("dtype", header.dtype().name());
        json.writeFieldName("shape");
        long[] shape = header.shape().stream().mapToLong(Long::longValue).toArray();
        json.writeArray(shape, 0, shape.length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {slot.offset(), slot.end()}, 0, 2);
        json.writeEndObject();
      }
      json.writeEndObject();
    }
    // The data begin at a multiple of 8, as in files of the reference implementation.
    while (text.size() % Long.BYTES != 0) {
      text.write(' ');
    }
    if (text.size() > SafetensorsHeader.LONGEST) {
      throw new IllegalArgumentException(
          "the header of %d tensors takes %d bytes; the format allows %d, use several files"
              .formatted(slots.all().size(), text.size(), SafetensorsHeader.LONGEST));
    }
    return text.toByteArray();
  }

  /// Appends bytes to a tensor, little-endian as the format wants them.
  ///
  /// @throws IllegalArgumentException if the tensor was not declared or has no room for the chunk
  public void write(String tensor, MemorySegment chunk) throws IOException {
    slots.append(output, dataBegin, tensor, chunk);
  }

  /// Appends fp32 values to a floating-point tensor, rounded half to even to its type.
  ///
  /// @param floats fp32 in native byte order
  /// @throws IllegalArgumentException if the tensor was not declared, holds integers or has no room
  ///     for the values
  public void writeFloats(String tensor, MemorySegment floats) throws IOException {
    long count = floats.byteSize() / Float.BYTES;
    if (count * Float.BYTES != floats.byteSize()) {
      throw new IllegalArgumentException(
          "%d bytes are not a whole number of fp32 values".formatted(floats.byteSize()));
    }
    TensorSlots.Slot<TensorHeader> slot = slots.require(tensor);
    DType dtype = slot.tensor().dtype();
    slots.requireRoom(slot, Math.multiplyExact(count, (long) dtype.bytes()));
    int most = STAGE_BYTES / Long.BYTES;
    for (long done = 0; done < count; ) {
      int size = (int) Math.min(most, count - done);
      FloatConversion.fromFloats(
          dtype,
          floats.asSlice(done * Float.BYTES, (long) size * Float.BYTES),
          MemorySegment.ofBuffer(stage.clear()),
          size);
      slots.append(
          output,
          dataBegin,
          tensor,
          MemorySegment.ofBuffer(stage.position(0).limit(size * dtype.bytes())));
      done += size;
    }
  }

  /// Appends one number to a tensor of F32 or F64.
  ///
  /// @throws IllegalArgumentException if the tensor was not declared or has another type
  public void writeDouble(String tensor, double value) throws IOException {
    switch (slots.require(tensor).tensor().dtype()) {
      case F32 -> writeFloats(tensor, MemorySegment.ofArray(new float[] {(float) value}));
      case F64 -> {
        MemorySegment bytes = MemorySegment.ofArray(new byte[Double.BYTES]);
        bytes.set(FloatConversion.F64, 0, value);
        write(tensor, bytes);
      }
      case F16, BF16, I64, I32, I16, I8, U8, BOOL ->
          throw new IllegalArgumentException("tensor '%s' is not F32 or F64".formatted(tensor));
    }
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
