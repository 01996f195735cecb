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
    float[] scales = rows.isGrouped() ? groupScales(tensor, rows) : oneScale(tensor, rows);
    model.writeFloats(ModelLayout.scaleName(tensor), MemorySegment.ofArray(scales));
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

  private static float[] oneScale(TensorSpec tensor, TernaryRows rows) {
    float scale = rows.scale(0);
    for (int row = 1; row < rows.rows(); row++) {
      if (rows.scale(row) != scale) {
        throw new IllegalArgumentException(
            "tensor '%s' has a scale for each row; a model directory has one for all, or one for each"
                    .formatted(tensor.name())
                + " group of columns");
      }
    }
    return new float[] {scale};
  }

  private static float[] groupScales(TensorSpec tensor, TernaryRows rows) {
    int groups = rows.columns() / rows.groupColumns();
    float[] scales = new float[Math.multiplyExact(rows.rows(), groups)];
    for (int row = 0; row < rows.rows(); row++) {
      for (int group = 0; group < groups; group++) {
        float scale = rows.scale(row, group);
        if (Float.float16ToFloat(Float.floatToFloat16(scale)) != scale) {
          throw new IllegalArgumentException(
              "tensor '%s' has the group scale %s, which half precision cannot hold exactly; a model"
                      .formatted(tensor.name(), scale)
                  + " directory keeps these only");
        }
        scales[row * groups + group] = scale;
      }
    }
    return scales;
  }
}
