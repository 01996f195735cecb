package bitnet.data;

/// Random numbers by index instead of by state: SplitMix64, whose i-th output is a hash of
/// `seed + i * gamma`. Any of them can be had without those before it.
final class CounterRandom {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;
  private static final int ROUNDS = 4;

  private CounterRandom() {}

  /// The `index`-th number, uniform over all longs.
  static long value(long seed, long index) {
    // the seed is hashed first: else seed 1 at index 2 would be seed 2 at index 1 for some pairs
    return mix(mix(seed + GAMMA) + (index + 1) * GAMMA);
  }

  /// The `index`-th number, uniform from 0 to below `bound`.
  static long below(long bound, long seed, long index) {
    return Math.unsignedMultiplyHigh(value(seed, index), bound);
  }

  /// The `index`-th number, uniform from 0 to below 1.
  static double uniform(long seed, long index) {
    return (value(seed, index) >>> 11) * 0x1p-53;
  }

  /// Where `index` goes in a random permutation of 0 to below `size`; `key` selects which.
  ///
  /// A Feistel network over the next even power of two, walked until it lands inside: nothing is
  /// stored, however many there are.
  static long permuted(long index, long size, long key) {
    int bits = Math.max(8, Long.SIZE - Long.numberOfLeadingZeros(size - 1));
    int half = (bits + 1) / 2;
    long mask = (1L << half) - 1;
    long at = index;
    do {
      long left = at >>> half;
      long right = at & mask;
      for (int round = 0; round < ROUNDS; round++) {
        long next = left ^ (value(key + round, right) & mask);
        left = right;
        right = next;
      }
      at = left << half | right;
    } while (at >= size);
    return at;
  }

  /// The finaliser of SplitMix64 (Stafford's variant 13).
  private static long mix(long bits) {
    long hash = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    hash = (hash ^ (hash >>> 27)) * 0x94D049BB133111EBL;
    return hash ^ (hash >>> 31);
  }
}
