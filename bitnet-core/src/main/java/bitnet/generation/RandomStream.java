package bitnet.generation;

/// The random numbers of one sequence, as a pure function of seed, sequence and position: a text
/// does not depend on which other texts are generated at the same time, in which order or on how
/// many threads.
///
/// @param seed of the whole run
/// @param sequence index of the text in the run
public record RandomStream(long seed, long sequence) {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  /// The number for a position, uniform from 0 to below 1 in steps of 2^-53.
  public double at(long position) {
    return (next(next(next(seed) ^ sequence) ^ position) >>> 11) * 0x1p-53;
  }

  /// The first output of SplitMix64 (Steele, Lea and Flood 2014) from this state.
  private static long next(long state) {
    long bits = state + GOLDEN_GAMMA;
    bits = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    bits = (bits ^ (bits >>> 27)) * 0x94D049BB133111EBL;
    return bits ^ (bits >>> 31);
  }
}
