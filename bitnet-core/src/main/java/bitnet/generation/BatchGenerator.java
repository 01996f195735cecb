package bitnet.generation;

import bitnet.runtime.KvCache;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Continues many prompts at once, each several times: a prompt is read once and its sequence
/// forked, sequences advance together, and the place of one that has ended is filled at once. A
/// completion is the same whatever is generated beside it. The model and the tokenizer stay their
/// owner's.
public final class BatchGenerator {
  private static final double NANOS = 1e9;

  private final TernaryLlama model;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final int slots;

  /// A generator whose texts end with the tokenizer's end-of-text token or with one of others.
  ///
  /// @param slots the most sequences that advance together
  public BatchGenerator(
      TernaryLlama model, Tokenizer tokenizer, Set<Integer> moreEndTokens, int slots) {
    if (slots < 1) {
      throw new IllegalArgumentException("%d slots are too few; use at least 1".formatted(slots));
    }
    this.model = model;
    this.tokenizer = tokenizer;
    this.slots = slots;
    Set<Integer> all = new HashSet<>(moreEndTokens);
    tokenizer.endOfText().ifPresent(all::add);
    this.endTokens = Set.copyOf(all);
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
    for (int[] prompt : prompts) {
      if (prompt.length == 0 || prompt.length > model.config().contextLength()) {
        throw new IllegalArgumentException(
            "a prompt has %d tokens; give 1 to %d, the model's context"
                .formatted(prompt.length, model.config().contextLength()));
      }
    }
    try (Run run = new Run(prompts, samples, firstSequence, settings)) {
      return run.all();
    }
  }

  /// A sequence that is being continued.
  private record Slot(int prompt, int sample, KvCache cache, Continuation text, long started) {}

  private final class Run implements AutoCloseable {
    private final List<int[]> prompts;
    private final int samples;
    private final long firstSequence;
    private final GenerationSettings settings;
    private final @Nullable Completion[][] done;
    private final List<Slot> active = new ArrayList<>();
    private final Deque<KvCache> free = new ArrayDeque<>();
    private final List<KvCache> caches = new ArrayList<>();
    private final int capacity;
    private int nextPrompt;
    private int nextSample;
    private @Nullable KvCache read; // the prompt whose samples are being started
    private float[] promptLogits = {};
    private double prefillSeconds;

    Run(List<int[]> prompts, int samples, long firstSequence, GenerationSettings settings) {
      this.prompts = prompts;
      this.samples = samples;
      this.firstSequence = firstSequence;
      this.settings = settings;
      this.done = new @Nullable Completion[prompts.size()][samples];
      int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(1);
      this.capacity =
          (int) Math.min(model.config().contextLength(), (long) longest + settings.maxTokens() - 1);
    }

    List<List<Completion>> all() {
      while (true) {
        fill();
        if (active.isEmpty()) {
          break;
        }
        advance();
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

    /// Starts sequences until all slots are taken or there is nothing left to start.
    private void fill() {
      while (active.size() < slots && nextPrompt < prompts.size() && samples > 0) {
        int[] prompt = prompts.get(nextPrompt);
        KvCache source = readPrompt(prompt);
        KvCache cache = takeCache();
        cache.forkFrom(source);
        long sequence = firstSequence + (long) nextPrompt * samples + nextSample;
        Continuation text =
            new Continuation(
                tokenizer,
                endTokens,
                model.config().contextLength(),
                settings,
                sequence,
                prompt,
                piece -> {});
        Slot slot = new Slot(nextPrompt, nextSample, cache, text, System.nanoTime());
        if (text.take(promptLogits)) {
          finish(slot);
        } else {
          active.add(slot);
        }
        if (++nextSample == samples) {
          nextSample = 0;
          nextPrompt++;
          source.close(); // the samples keep what it read
          read = null;
        }
      }
    }

    /// Reads the prompt, unless that was done for an earlier sample of it.
    private KvCache readPrompt(int... prompt) {
      if (read != null) {
        return read;
      }
      KvCache cache = model.newCache(prompt.length);
      read = cache;
      long start = System.nanoTime();
      promptLogits = model.advance(List.of(cache), List.of(prompt))[0];
      prefillSeconds = (System.nanoTime() - start) / NANOS;
      return cache;
    }

    private KvCache takeCache() {
      KvCache cache = free.poll();
      if (cache == null) {
        cache = model.newCache(capacity);
        caches.add(cache);
      }
      return cache;
    }

    /// One token for every active sequence.
    private void advance() {
      List<int[]> tokens = new ArrayList<>();
      for (Slot slot : active) {
        tokens.add(new int[] {slot.text.lastToken()});
      }
      float[][] logits = model.advance(active.stream().map(Slot::cache).toList(), tokens);
      boolean[] ended = new boolean[logits.length];
      model
          .team()
          .forRanges(
              logits.length,
              1,
              (first, end) -> {
                for (int i = first; i < end; i++) {
                  ended[i] = active.get(i).text.take(logits[i]);
                }
              });
      List<Slot> going = new ArrayList<>();
      for (int i = 0; i < ended.length; i++) {
        if (ended[i]) {
          finish(active.get(i));
        } else {
          going.add(active.get(i));
        }
      }
      active.clear();
      active.addAll(going);
    }

    private void finish(Slot slot) {
      double seconds = (System.nanoTime() - slot.started) / NANOS;
      done[slot.prompt][slot.sample] =
          slot.text.complete(prompts.get(slot.prompt).length, prefillSeconds, seconds);
      slot.cache.truncate(0); // lets go of the prompt
      free.push(slot.cache);
    }

    @Override
    public void close() {
      caches.forEach(KvCache::close);
      if (read != null) {
        read.close();
      }
    }
  }
}
