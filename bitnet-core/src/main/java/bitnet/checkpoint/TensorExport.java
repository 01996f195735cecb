package bitnet.checkpoint;

import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.quantization.RowGroupPacking;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Streams single parameters of a model into a Hugging Face file. At most one linear layer is held
/// in memory.
///
/// @param source the model
/// @param file has all the tensors declared that are written
record TensorExport(ModelSource source, SafetensorsWriter file) {
  private static final int CHUNK_VALUES = 1 << 20;

  LlamaConfig config() {
    return source.weights().config();
  }

  /// Writes a linear layer as trits and a scale.
  ///
  /// @param quantization the form of the layer
  void writePacked(TensorSpec tensor, Quantization quantization) throws IOException {
    TernaryRows rows = source.ternary().ternary(tensor);
    int byteRows = tensor.rows() / RowGroupPacking.ROWS_PER_BYTE;
    int step = Math.clamp(CHUNK_VALUES / tensor.columns(), 1, byteRows);
    for (int first = 0; first < byteRows; first += step) {
      int count = Math.min(step, byteRows - first);
      byte[] packed = new byte[count * tensor.columns()];
      RowGroupPacking.pack(rows, first, count, packed);
      file.write(tensor.name(), MemorySegment.ofArray(packed));
    }
    double scale = quantization.linearClass().stored(rows.scale(0));
    file.writeDouble(HuggingFaceDirectory.scaleName(tensor), scale);
  }

  /// Writes a bias for a form that multiplies it by the scale of its layer.
  void writeUnscaled(TensorSpec bias) throws IOException {
    TensorSpec weight = HuggingFaceDirectory.weightOf(config(), bias);
    float scale = source.ternary().ternary(weight).scale(0);
    FloatRows.forEach(
        source.ternary(),
        bias,
        chunk -> {
          for (long i = 0; i < chunk.byteSize() / Float.BYTES; i++) {
            float value = chunk.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
            float stored = Quantization.storedBias(value, scale);
            chunk.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, stored);
          }
          file.writeFloats(bias.name(), chunk);
        });
  }

  /// Writes an embedding, a head or a norm as inference uses it.
  void writeStored(TensorSpec tensor) throws IOException {
    FloatRows.forEach(source.ternary(), tensor, chunk -> file.writeFloats(tensor.name(), chunk));
  }

  /// Writes the latents of a parameter: a linear layer at once, whose latents may have to be made
  /// from all of its trits, the rest by rows.
  void writeLatents(TensorSpec tensor) throws IOException {
    long rowLength = Math.max(1, tensor.columns());
    long step =
        tensor.kind() == TensorSpec.Kind.TERNARY
            ? tensor.rows()
            : Math.clamp(CHUNK_VALUES / rowLength, 1, tensor.rows());
    try (Arena arena = Arena.ofShared()) {
      MemorySegment buffer = arena.allocate(step * rowLength * Float.BYTES, Float.BYTES);
      for (long row = 0; row < tensor.rows(); row += step) {
        long count = Math.min(step, tensor.rows() - row);
        MemorySegment chunk = buffer.asSlice(0, count * rowLength * Float.BYTES);
        source.weights().read(tensor, row * rowLength, chunk);
        file.writeFloats(tensor.name(), chunk);
      }
    }
  }
}
