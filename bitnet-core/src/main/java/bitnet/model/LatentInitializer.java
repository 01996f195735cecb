package bitnet.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.stream.LongStream;

/// The latent weights of a model that was never trained, as a pure function of the seed, the
/// tensor's name and the element's index: N(0, deviation) for matrices, ones for norm gains, zeros
/// for biases.
///
/// Any range of any tensor can be made at any time, in any order and on any number of threads, with
/// the same bits on every platform. A value is the inverse normal distribution function (Wichura,
/// Algorithm AS 241, PPND16, Applied Statistics 37, 1988) of a uniform number, which is a 64-bit
/// finaliser (Stafford's variant 13, as in SplitMix64) of a key for the tensor plus the index.
///
/// @param seed of the whole model
/// @param deviation standard deviation of the matrices' elements
public record LatentInitializer(long seed, double deviation) {
  /// The deviation of LLaMA and BitNet.
  public static final double DEFAULT_DEVIATION = 0.02;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final long CHUNK = 1 << 15;

  /// Checks the deviation.
  ///
  /// @throws IllegalArgumentException if it is not positive and finite
  public LatentInitializer {
    if (!(deviation > 0 && deviation < 100)) {
      throw new IllegalArgumentException(
          "initializer_range %s is not between 0 and 100; use 0.02".formatted(deviation));
    }
  }

  /// Fills a segment with consecutive elements of a tensor, on the common pool's threads where the
  /// segment is accessible from them, as a shared arena or an array is.
  ///
  /// @param tensor the parameter
  /// @param first index of the first element, in row order
  /// @param target float32 values in the platform's byte order, as many as are wanted
  /// @throws IndexOutOfBoundsException if the tensor has no such elements
  public void fill(TensorSpec tensor, long first, MemorySegment target) {
    long count = target.byteSize() / Float.BYTES;
    Objects.checkFromIndexSize(first, count, tensor.count());
    long key = tensor.isMatrix() ? key(tensor.name()) : 0;
    float constant = tensor.kind() == TensorSpec.Kind.BIAS ? 0 : 1;
    LongStream chunks = LongStream.range(0, Math.ceilDiv(count, CHUNK));
    boolean shared = target.isAccessibleBy(Thread.ofVirtual().unstarted(() -> {}));
    (shared ? chunks.parallel() : chunks)
        .forEach(
            chunk -> {
              long from = chunk * CHUNK;
              long to = Math.min(from + CHUNK, count);
              for (long i = from; i < to; i++) {
                float value = tensor.isMatrix() ? gaussian(key, first + i) : constant;
                target.setAtIndex(FLOAT, i, value);
              }
            });
  }

  private long key(String name) {
    long hash = 0xCBF29CE484222325L; // FNV-1a
    for (byte character : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (character & 0xFF)) * 0x100000001B3L;
    }
    return mix(mix(seed + GOLDEN_GAMMA) ^ hash);
  }

  private float gaussian(long key, long index) {
    // 52 bits and a half: never 0 nor 1, and exact in a double
    double uniform = ((mix(key + (index + 1) * GOLDEN_GAMMA) >>> 12) + 0.5) * 0x1p-52;
    return (float) (deviation * NormalQuantile.of(uniform));
  }

  private static long mix(long bits) {
    bits = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    bits = (bits ^ (bits >>> 27)) * 0x94D049BB133111EBL;
    return bits ^ (bits >>> 31);
  }
}
