package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.kernel.ThreadTeam;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/// Dropout (Srivastava et al., 2014) of one pass: a value is left out with a probability, the
/// others
/// grow by `1 / (1 - probability)`. A mask is a function of key and place alone, so that it need
/// not be kept for the backward pass.
///
/// @param probability above 0 and below 1
/// @param key of the pass
record Dropout(double probability, long key) {

  /// The factors of the values of one place in the model, `[tokens, width]`.
  ///
  /// @param place its number
  NDArray mask(NDManager scope, long tokens, long width, int place, ThreadTeam team) {
    NDArray mask = scope.zeros(new Shape(tokens, width), DataType.FLOAT32);
    MemorySegment memory = TensorMemory.of(mask);
    float kept = (float) (1 / (1 - probability));
    team.forRanges(
        Math.toIntExact(tokens),
        1,
        (first, end) -> {
          for (int token = first; token < end; token++) {
            SplittableRandom random = new SplittableRandom(mix(mix(key + place) + token));
            for (long i = token * width; i < (token + 1) * width; i++) {
              float factor = random.nextDouble() < probability ? 0 : kept;
              memory.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, factor);
            }
          }
        });
    return mask;
  }

  /// Spreads the bits of a key (the finaliser of SplitMix64).
  static long mix(long bits) {
    bits = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    bits = (bits ^ (bits >>> 27)) * 0x94D049BB133111EBL;
    return bits ^ (bits >>> 31);
  }
}
