package bitnet.checkpoint;

import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryPacking;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Streams weights that are stored as trits already into a model directory's file, with every trit
/// and scale as it is.
///
/// @param weights the trits, and fp32 for the rest
/// @param model receives the stored form, see [ModelLayout]
record StoredEncoder(TernaryWeights weights, SafetensorsWriter model) {
  private static final int CHUNK_VALUES = 1 << 20;

  /// Writes everything that the layout has for one parameter.
  void encode(TensorSpec tensor) throws IOException {
    ModelLayout.writeShape(tensor, model);
    if (ModelLayout.isTernary(weights.config(), tensor)) {
      encodeTrits(tensor, weights.ternary(tensor));
    } else {
      FloatRows.forEach(
          weights, tensor, chunk -> model.writeFloats(ModelLayout.storedName(tensor), chunk));
    }
  }

  private void encodeTrits(TensorSpec tensor, TernaryRows rows) throws IOException {
    float[] scale = {rows.scale(0)};
    for (int row = 1; row < rows.rows(); row++) {
      if (rows.scale(row) != scale[0]) {
        throw new IllegalArgumentException(
            "tensor '%s' has a scale for each row; a model directory has one for all"
                .formatted(tensor.name()));
      }
    }
    model.writeFloats(ModelLayout.scaleName(tensor), MemorySegment.ofArray(scale));
    // five rows of any length fill whole bytes of five trits
    int step = Math.max(1, CHUNK_VALUES / tensor.columns() / 5) * 5;
    for (int first = 0; first < tensor.rows(); first += step) {
      int count = Math.min(step, tensor.rows() - first);
      byte[] trits = new byte[count * tensor.columns()];
      rows.unpack(first, count, trits);
      byte[] packed = new byte[(int) TernaryPacking.packedBytes(trits.length)];
      TernaryPacking.pack(trits, 0, trits.length, packed, 0);
      model.write(ModelLayout.storedName(tensor), MemorySegment.ofArray(packed));
    }
  }
}
