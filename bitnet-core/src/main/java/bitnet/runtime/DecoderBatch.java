package bitnet.runtime;

import java.util.Arrays;
import java.util.List;

/// Tokens that are computed together: each belongs to a sequence and has a position in it. Tokens
/// of one sequence are in the order of their positions.
///
/// @param tokens the ids
/// @param caches the sequence of each
/// @param positions the position of each in its sequence, from 0
record DecoderBatch(int[] tokens, KvCache[] caches, int[] positions) {

  int count() {
    return tokens.length;
  }

  /// New tokens for several sequences, one sequence after the other.
  static DecoderBatch of(List<KvCache> caches, List<int[]> tokens) {
    int count = tokens.stream().mapToInt(some -> some.length).sum();
    DecoderBatch batch = new DecoderBatch(new int[count], new KvCache[count], new int[count]);
    int index = 0;
    for (int i = 0; i < caches.size(); i++) {
      KvCache cache = caches.get(i);
      for (int j = 0; j < tokens.get(i).length; j++) {
        batch.tokens[index] = tokens.get(i)[j];
        batch.caches[index] = cache;
        batch.positions[index] = cache.length() + j;
        index++;
      }
    }
    return batch;
  }

  /// A range of the tokens.
  DecoderBatch range(int first, int end) {
    return new DecoderBatch(
        Arrays.copyOfRange(tokens, first, end),
        Arrays.copyOfRange(caches, first, end),
        Arrays.copyOfRange(positions, first, end));
  }
}
