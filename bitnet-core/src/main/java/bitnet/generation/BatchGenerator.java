package bitnet.generation;

import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Continues many prompts at once, each several times: submits all to a [BatchScheduler] and waits
/// for them. The model and the tokenizer stay their owner's.
public final class BatchGenerator {
  private final TernaryLlama model;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final int slots;

  /// A generator whose texts end with the tokenizer's end-of-text token or with one of others.
  ///
  /// @param slots maximum number of sequences that advance together, at least 1
  public BatchGenerator(
      TernaryLlama model, Tokenizer tokenizer, Set<Integer> moreEndTokens, int slots) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.endTokens = Set.copyOf(moreEndTokens);
    this.slots = slots;
  }

  /// Continues prompts.
  ///
  /// @param prompts each at least one token
  /// @param samples completions of each prompt
  /// @param firstSequence number of the first completion, see [RandomStream]; completion j of
  ///     prompt i has number `firstSequence + i * samples + j`
  /// @return `[prompt][sample]`
  /// @throws IllegalArgumentException if a prompt is empty, does not fit the model's context or
  ///     has tokens outside the vocabulary
  public List<List<Completion>> generate(
      List<int[]> prompts, int samples, long firstSequence, GenerationSettings settings) {
    @Nullable Completion[][] done = new @Nullable Completion[prompts.size()][samples];
    try (BatchScheduler scheduler =
        new BatchScheduler(model, tokenizer, endTokens, BatchSettings.throughput(slots))) {
      for (int i = 0; i < prompts.size() && samples > 0; i++) {
        @Nullable Completion[] group = done[i];
        scheduler.submit(
            this,
            new BatchScheduler.Request(
                prompts.get(i), samples, firstSequence + (long) i * samples, settings),
            (sample, completion) -> group[sample] = completion);
      }
      scheduler.drain();
    }
    List<List<Completion>> result = new ArrayList<>();
    for (@Nullable Completion[] completions : done) {
      List<Completion> group = new ArrayList<>();
      for (Completion completion : completions) {
        group.add(Objects.requireNonNull(completion));
      }
      result.add(List.copyOf(group));
    }
    return List.copyOf(result);
  }
}
