package bitnet.generation;

/// How a [BatchScheduler] divides its time and memory.
///
/// @param slots maximum number of sequences that advance together
/// @param prefillChunk maximum number of prompt tokens that are read in a pass in which other
///     sequences advance; smaller values delay these less, larger ones read prompts faster
/// @param prefixCacheBytes memory for the keys and values of prompts and completions that later
///     requests may begin with; 0 keeps none
public record BatchSettings(int slots, int prefillChunk, long prefixCacheBytes) {
  /// Tokens that the model computes together, see [bitnet.runtime.TernaryLlama].
  private static final int FASTEST_CHUNK = 128;

  /// Checks every setting.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public BatchSettings {
    if (slots < 1) {
      throw new IllegalArgumentException("%d slots are too few; use at least 1".formatted(slots));
    }
    if (prefillChunk < 1) {
      throw new IllegalArgumentException(
          "prefill_chunk %d is below 1; use 64".formatted(prefillChunk));
    }
    if (prefixCacheBytes < 0) {
      throw new IllegalArgumentException(
          "a prefix cache of %d bytes is negative; use 0 for none".formatted(prefixCacheBytes));
    }
  }

  /// Settings for the highest throughput, without a prefix cache.
  ///
  /// @param slots maximum number of sequences that advance together, at least 1
  public static BatchSettings throughput(int slots) {
    return new BatchSettings(slots, FASTEST_CHUNK, 0);
  }

  /// The most prompt tokens of a pass.
  ///
  /// @param running sequences that advance in the same pass
  int chunk(int running) {
    return running == 0 ? Math.max(prefillChunk, FASTEST_CHUNK) : prefillChunk;
  }
}
