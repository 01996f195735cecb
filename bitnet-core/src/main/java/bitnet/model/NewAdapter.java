package bitnet.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// An adapter before its training, which changes nothing: A is uniform in `±1 / sqrt(in)` (Kaiming
/// with a = sqrt(5), as PEFT has it), B is zero, and the norms' gains are the base's.
///
/// @param settings rank, scaling and targets
/// @param weights of the base; the gains of its norms are taken over
/// @param base the name of the base
/// @param seed of A: each is a function of the seed and its name
public record NewAdapter(LoraSettings settings, TernaryWeights weights, String base, long seed)
    implements AdapterWeights {

  /// An adapter of a model.
  ///
  /// @throws IOException if a layer of the base is missing or damaged
  public static NewAdapter of(LoraSettings settings, TernaryWeights base, long seed)
      throws IOException {
    return new NewAdapter(settings, base, TernaryFingerprint.of(base), seed);
  }

  @Override
  public void read(TensorSpec tensor, MemorySegment target) throws IOException {
    if (tensor.kind() != TensorSpec.Kind.ADAPTER) {
      weights.readRows(tensor, 0, 1, target);
    } else if (tensor.name().endsWith(".lora_A.weight")) {
      RandomGenerator random =
          RandomGeneratorFactory.of("L64X128MixRandom")
              .create(seed * 0x9E3779B97F4A7C15L + tensor.name().hashCode());
      float bound = (float) (1 / Math.sqrt(tensor.columns()));
      for (long i = 0; i < tensor.count(); i++) {
        float value = (2 * random.nextFloat() - 1) * bound;
        target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, value);
      }
    } else {
      target.fill((byte) 0);
    }
  }
}
