package bitnet.generation;

import bitnet.runtime.KvCache;
import bitnet.runtime.TernaryLlama;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Tokens of several sequences that go through the model together.
final class BatchPass {
  private final List<KvCache> caches = new ArrayList<>();
  private final List<int[]> tokens = new ArrayList<>();
  private final List<Part> parts = new ArrayList<>();
  private int count;

  /// The tokens of one sequence.
  ///
  /// @param first number of its first token in the pass
  private record Part(
      int first, int count, boolean last, TernaryLlama.@Nullable LogitVisitor every) {
    boolean wants(int index) {
      return every != null || (last && index == first + count - 1);
    }
  }

  /// Appends tokens to a sequence.
  ///
  /// @param last whether the logits after the last of them are wanted
  /// @param every receives the logits after each, or null; several threads call it
  void add(KvCache cache, int[] some, boolean last, TernaryLlama.@Nullable LogitVisitor every) {
    caches.add(cache);
    tokens.add(some);
    parts.add(new Part(count, some.length, last, every));
    count += some.length;
  }

  /// Computes.
  ///
  /// @return `[sequence][vocab]`, the logits after the last token of each sequence; empty where
  ///     they are not wanted
  float[][] run(TernaryLlama model) {
    int[] partOfToken = new int[count];
    for (int part = 0; part < parts.size(); part++) {
      int first = parts.get(part).first;
      Arrays.fill(partOfToken, first, first + parts.get(part).count, part);
    }
    float[][] last = new float[parts.size()][0];
    model.visitLogits(
        caches,
        tokens,
        index -> parts.get(partOfToken[index]).wants(index),
        (index, logits) -> {
          Part part = parts.get(partOfToken[index]);
          if (part.every != null) {
            part.every.visit(index - part.first, logits);
          }
          if (index == part.first + part.count - 1) {
            last[partOfToken[index]] = logits;
          }
        });
    return last;
  }
}
