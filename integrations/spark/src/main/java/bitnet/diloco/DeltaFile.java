package bitnet.diloco;

import bitnet.format.DType;
import bitnet.format.FloatConversion;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.format.safetensors.TensorEntry;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A worker's rounded change of the weights, as safetensors: values, and for int8 a scale for every
/// [#BLOCK] of them.
final class DeltaFile {
  /// Values that share a scale.
  static final int BLOCK = 256;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final String SCALE = "scale/";
  private static final int LARGEST_CODE = 127;

  private DeltaFile() {}

  /// Writes changes and leaves in their place what rounding has taken from them.
  ///
  /// @param deltas fp32 values by name, overwritten by the rest
  static void write(Path file, DeltaType type, Map<String, MemorySegment> deltas)
      throws IOException {
    List<TensorHeader> headers = new ArrayList<>();
    deltas.forEach(
        (name, values) -> {
          long count = values.byteSize() / Float.BYTES;
          headers.add(TensorHeader.of(name, type == DeltaType.INT8 ? DType.I8 : DType.BF16, count));
          if (type == DeltaType.INT8) {
            headers.add(TensorHeader.of(SCALE + name, DType.F32, Math.ceilDiv(count, BLOCK)));
          }
        });
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, headers, Map.of())) {
      for (Map.Entry<String, MemorySegment> delta : deltas.entrySet()) {
        switch (type) {
          case FP32 -> throw new IllegalArgumentException("fp32 changes are not rounded");
          case BF16 -> writeHalves(writer, delta.getKey(), delta.getValue());
          case INT8 -> writeCodes(writer, delta.getKey(), delta.getValue());
        }
      }
      writer.commit();
    }
  }

  private static void writeHalves(SafetensorsWriter writer, String name, MemorySegment values)
      throws IOException {
    long count = values.byteSize() / Float.BYTES;
    MemorySegment halves = MemorySegment.ofArray(new byte[BLOCK * DType.BF16.bytes()]);
    MemorySegment rounded = MemorySegment.ofArray(new float[BLOCK]);
    for (long first = 0; first < count; first += BLOCK) {
      int size = (int) Math.min(BLOCK, count - first);
      MemorySegment block = values.asSlice(first * Float.BYTES, (long) size * Float.BYTES);
      FloatConversion.fromFloats(DType.BF16, block, halves, size);
      FloatConversion.toFloats(DType.BF16, halves, rounded, size);
      writer.write(name, halves.asSlice(0, (long) size * DType.BF16.bytes()));
      subtract(block, rounded, size);
    }
  }

  private static void writeCodes(SafetensorsWriter writer, String name, MemorySegment values)
      throws IOException {
    long count = values.byteSize() / Float.BYTES;
    byte[] codes = new byte[BLOCK];
    MemorySegment rounded = MemorySegment.ofArray(new float[BLOCK]);
    MemorySegment scale = MemorySegment.ofArray(new float[1]);
    for (long first = 0; first < count; first += BLOCK) {
      int size = (int) Math.min(BLOCK, count - first);
      MemorySegment block = values.asSlice(first * Float.BYTES, (long) size * Float.BYTES);
      float unit = largest(block, size) / LARGEST_CODE;
      for (int i = 0; i < size; i++) {
        float value = block.getAtIndex(FLOAT, i);
        codes[i] = unit == 0 ? 0 : (byte) Math.round(value / unit);
        rounded.setAtIndex(FLOAT, i, codes[i] * unit);
      }
      writer.write(name, MemorySegment.ofArray(codes).asSlice(0, size));
      scale.setAtIndex(FLOAT, 0, unit);
      writer.writeFloats(SCALE + name, scale);
      subtract(block, rounded, size);
    }
  }

  private static float largest(MemorySegment block, int size) {
    float largest = 0;
    for (int i = 0; i < size; i++) {
      largest = Math.max(largest, Math.abs(block.getAtIndex(FLOAT, i)));
    }
    return largest;
  }

  private static void subtract(MemorySegment block, MemorySegment rounded, int size) {
    for (int i = 0; i < size; i++) {
      block.setAtIndex(FLOAT, i, block.getAtIndex(FLOAT, i) - rounded.getAtIndex(FLOAT, i));
    }
  }

  /// Reads one change.
  ///
  /// @param target room for its values as fp32
  static void read(SafetensorsFile file, String name, MemorySegment target) throws IOException {
    TensorEntry values = file.require(name);
    if (values.dtype() != DType.I8) {
      file.readFloats(values, target);
      return;
    }
    MemorySegment codes = file.data(values);
    float[] scales = file.readFloats(file.require(SCALE + name));
    for (long i = 0; i < values.count(); i++) {
      target.setAtIndex(FLOAT, i, codes.get(ValueLayout.JAVA_BYTE, i) * scales[(int) (i / BLOCK)]);
    }
  }
}
