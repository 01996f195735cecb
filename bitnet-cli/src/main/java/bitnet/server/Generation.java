package bitnet.server;

import bitnet.generation.BatchScheduler;
import bitnet.generation.BatchedModel;
import bitnet.generation.Completion;
import bitnet.generation.SampledToken;
import bitnet.generation.TokenRanking;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// The completions of one HTTP request, as events that its thread takes. Closing cancels those that
/// have not ended.
final class Generation implements AutoCloseable {
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final List<BatchScheduler.Ticket> tickets = new ArrayList<>();
  private final Counters counters;
  private final int ranked;
  private final LongAdder cachedTokens = new LongAdder();

  /// What happened to one completion.
  ///
  /// @param choice its index: prompt by prompt, then sample by sample
  /// @param text that was added, of whole characters
  /// @param tokens that were drawn since the last event, if rankings are wanted
  /// @param end the completion if it has ended
  /// @param failure of the model
  record Event(
      int choice,
      String text,
      List<TokenRanking> tokens,
      @Nullable Completion end,
      @Nullable RuntimeException failure) {}

  /// @param ranked number of most probable tokens to rank for each drawn one; -1 for no ranking
  Generation(Counters counters, int ranked) {
    this.counters = counters;
    this.ranked = ranked;
  }

  /// Queues a prompt, whose completions are counted already.
  ///
  /// @param firstChoice index of its first completion
  /// @param promptRankings receives the ranking of each token of the prompt but the first, which
  ///     follows nothing; null if they are not wanted
  void submit(
      BatchedModel model,
      BatchScheduler.Request request,
      int firstChoice,
      @Nullable AtomicReferenceArray<TokenRanking> promptRankings) {
    Feed feed = new Feed(request, firstChoice, promptRankings);
    try {
      tickets.add(model.submit(this, request, feed));
    } catch (RuntimeException refused) {
      counters.sequences.addAndGet(-request.samples());
      throw refused;
    }
  }

  /// The next event, or null if none comes in time.
  @Nullable Event next(long milliseconds) throws InterruptedException {
    return events.poll(milliseconds, TimeUnit.MILLISECONDS);
  }

  /// Tokens of the prompts that came from the prefix cache, of all prompts that were read.
  int cachedTokens() {
    return cachedTokens.intValue();
  }

  @Override
  public void close() {
    tickets.forEach(BatchScheduler.Ticket::cancel);
  }

  /// Hears of one prompt on the engine thread.
  private final class Feed implements BatchScheduler.Listener {
    private final BatchScheduler.Request request;
    private final int[] prompt;
    private final int firstChoice;
    private final @Nullable AtomicReferenceArray<TokenRanking> promptRankings;
    private final ConcurrentHashMap<Integer, List<TokenRanking>> drawn = new ConcurrentHashMap<>();
    private int unfinished;

    Feed(
        BatchScheduler.Request request,
        int firstChoice,
        @Nullable AtomicReferenceArray<TokenRanking> promptRankings) {
      this.request = request;
      this.prompt = request.prompt();
      this.firstChoice = firstChoice;
      this.promptRankings = promptRankings;
      this.unfinished = request.samples();
    }

    @Override
    public boolean wantsPromptLogits() {
      return promptRankings != null;
    }

    @Override
    public void promptLogits(int index, float[] logits) {
      if (promptRankings != null && index + 1 < prompt.length) {
        promptRankings.set(
            index + 1, TokenRanking.of(logits, prompt[index + 1], Math.max(0, ranked)));
      }
    }

    @Override
    public void promptRead(int cached) {
      cachedTokens.add(cached);
      counters.cachedTokens.add(cached);
    }

    @Override
    public void drawn(int sample, SampledToken token, float[] logits) {
      if (ranked >= 0) {
        drawn
            .computeIfAbsent(sample, each -> new ArrayList<>())
            .add(TokenRanking.of(logits, token.id(), ranked));
      }
    }

    @Override
    public void text(int sample, String piece) {
      add(sample, piece, null, null);
    }

    @Override
    public void finished(int sample, Completion completion) {
      unfinished--;
      counters.sequences.decrementAndGet();
      counters.predictedTokens.add(completion.sampled().size());
      add(sample, "", completion, null);
    }

    @Override
    public void failed(RuntimeException failure) {
      counters.sequences.addAndGet(-unfinished);
      unfinished = 0;
      add(request.samples() - 1, "", null, failure);
    }

    private void add(
        int sample, String text, @Nullable Completion end, @Nullable RuntimeException failure) {
      List<TokenRanking> tokens = drawn.remove(sample);
      events.add(
          new Event(firstChoice + sample, text, tokens == null ? List.of() : tokens, end, failure));
    }
  }
}
