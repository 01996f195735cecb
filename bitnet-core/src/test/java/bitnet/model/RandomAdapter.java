package bitnet.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/// An adapter without zeros in A or B: values up to a tenth, of gains around one, that depend on
/// the tensor's name only.
///
/// @param base the fingerprint of its base, or empty
public record RandomAdapter(LoraSettings settings, String base) implements AdapterWeights {

  /// The values of a tensor.
  public static float[] valuesOf(TensorSpec tensor) {
    SplittableRandom random = new SplittableRandom(tensor.name().hashCode());
    float centre = tensor.kind() == TensorSpec.Kind.NORM ? 1 : 0;
    float[] values = new float[Math.toIntExact(tensor.count())];
    for (int i = 0; i < values.length; i++) {
      values[i] = centre + (float) (0.2 * random.nextDouble() - 0.1);
    }
    return values;
  }

  @Override
  public void read(TensorSpec tensor, MemorySegment target) {
    float[] values = valuesOf(tensor);
    MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
  }
}
