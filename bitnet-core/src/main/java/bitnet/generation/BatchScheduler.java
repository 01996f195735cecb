package bitnet.generation;

import bitnet.model.LlamaConfig;
import bitnet.runtime.KvCache;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Continuous batching: requests enter while others are running, sequences advance together, and
/// the slot of a sequence that has ended is filled at once. A prompt is read once, whatever the
/// number of its samples, and its sequence forked. A completion does not depend on what is
/// generated at the same time, bit for bit.
///
/// Any thread submits and cancels. One thread at a time, the engine thread, computes: whoever calls
/// [#drain], or a thread that runs [#run]. The model and the tokenizer stay their owner's.
public final class BatchScheduler implements AutoCloseable {
  private final LlamaConfig config;
  private final int slots;

  private final Lock lock = new ReentrantLock();
  private final Condition submitted = lock.newCondition();
  private final Turns waiting = new Turns(); // guarded by lock
  private boolean closed; // guarded by lock
  private boolean running; // guarded by lock

  private final BatchEngine engine; // of the engine thread

  /// A prompt to continue.
  ///
  /// @param prompt at least one token, at most the context length
  /// @param samples completions of it, at least 1
  /// @param firstSequence number of the first completion, see [RandomStream]; completion j has the
  ///     number `firstSequence + j`
  /// @param settings of its completions
  public record Request(
      int[] prompt, int samples, long firstSequence, GenerationSettings settings) {

    /// Checks the number of samples and copies the prompt.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Request {
      if (samples < 1) {
        throw new IllegalArgumentException("%d samples are too few; use 1".formatted(samples));
      }
      prompt = prompt.clone();
    }
  }

  /// Hears of a request, on the engine thread. An exception that a listener throws cancels its
  /// request and no other.
  public interface Listener {

    /// Whether [#promptLogits] is called.
    default boolean wantsPromptLogits() {
      return false;
    }

    /// The logits after a token of the prompt, once for all samples. Several threads call, in no
    /// particular order, before anything else of the request. The whole prompt is read for them,
    /// whatever the prefix cache has.
    ///
    /// @param index of the token in the prompt
    /// @param logits `[vocab]` of the token that follows it
    default void promptLogits(int index, float[] logits) {}

    /// The prompt has been read.
    ///
    /// @param cachedTokens how many of its tokens came from the prefix cache
    default void promptRead(int cachedTokens) {}

    /// A token was drawn; its text follows, if it has any.
    ///
    /// @param logits `[vocab]` that it was drawn from, as the model gave them
    default void drawn(int sample, SampledToken token, float[] logits) {}

    /// A piece of text, of whole characters.
    ///
    /// @param sample index of the completion
    default void text(int sample, String piece) {}

    /// A completion has ended; [FinishReason#INTERRUPTED] if it was cancelled, perhaps before its
    /// first token.
    void finished(int sample, Completion completion);

    /// The model failed; none of the completions that have not ended will.
    default void failed(RuntimeException failure) {}
  }

  /// A submitted request.
  public static final class Ticket {
    final Object owner;
    final Request request;
    private final Listener listener;
    private volatile boolean cancelled;

    // of the engine thread
    int nextSample;
    @Nullable KvCache cache; // of the prompt, as far as it was read
    int cachedTokens; // of it that came from the prefix cache
    float[] promptLogits = {}; // after its last token
    double prefillSeconds;

    private Ticket(Object owner, Request request, Listener listener) {
      this.owner = owner;
      this.request = request;
      this.listener = listener;
    }

    /// Ends the completions of the request that have not ended, before their next token.
    public void cancel() {
      cancelled = true;
    }

    boolean isCancelled() {
      return cancelled;
    }

    boolean hasReadPrompt() {
      return promptLogits.length > 0;
    }

    boolean hasMoreSamples() {
      return nextSample < request.samples;
    }

    boolean wantsPromptLogits() {
      return listener.wantsPromptLogits();
    }

    /// Calls the listener; an exception of it cancels the request.
    void tell(Consumer<Listener> call) {
      try {
        call.accept(listener);
      } catch (RuntimeException failure) {
        cancel();
      }
    }
  }

  /// A scheduler whose texts end with the tokenizer's end-of-text token or with one of others.
  public BatchScheduler(
      TernaryLlama model, Tokenizer tokenizer, Set<Integer> moreEndTokens, BatchSettings settings) {
    this.config = model.config();
    this.slots = settings.slots();
    this.engine =
        new BatchEngine(model, tokenizer, Generator.endTokens(tokenizer, moreEndTokens), settings);
  }

  /// Queues a request of an owner of its own.
  ///
  /// @throws IllegalArgumentException as [#submit(Object, Request, Listener)]
  /// @throws IllegalStateException if the scheduler is closed
  public Ticket submit(Request request, Listener listener) {
    return submit(new Object(), request, listener);
  }

  /// Queues a request.
  ///
  /// @param owner of requests that wait for each other; those of different owners take turns
  /// @throws IllegalArgumentException if the prompt is empty, does not fit the model's context or
  ///     has tokens outside the vocabulary, or the logit bias is of one
  /// @throws IllegalStateException if the scheduler is closed
  public Ticket submit(Object owner, Request request, Listener listener) {
    check(request.prompt);
    request.settings.sampling().adjustments().bias().keySet().forEach(this::checkToken);
    Ticket ticket = new Ticket(owner, request, listener);
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the scheduler is closed");
      }
      waiting.add(ticket);
      submitted.signal();
    } finally {
      lock.unlock();
    }
    return ticket;
  }

  private void check(int... prompt) {
    int context = config.contextLength();
    if (prompt.length == 0 || prompt.length > context) {
      throw new IllegalArgumentException(
          "a prompt has %d tokens; give 1 to %d, the model's context"
              .formatted(prompt.length, context));
    }
    for (int token : prompt) {
      checkToken(token);
    }
  }

  private void checkToken(int token) {
    if (token < 0 || token >= config.vocabSize()) {
      throw new IllegalArgumentException(
          "token id %d is outside the vocabulary; use 0 to %d"
              .formatted(token, config.vocabSize() - 1));
    }
  }

  /// Computes until nothing is left to do.
  public void drain() {
    while (step()) {}
  }

  /// Computes until the scheduler is closed, and waits while there is nothing to do: the body of an
  /// engine thread. Requests that have not ended by then are cancelled.
  public void run() {
    setRunning(true);
    try {
      while (awaitWork()) {
        try {
          step();
        } catch (RuntimeException failure) {
          fail(failure);
        }
      }
    } finally {
      setRunning(false);
      endAll();
    }
  }

  private void setRunning(boolean now) {
    lock.lock();
    try {
      running = now;
    } finally {
      lock.unlock();
    }
  }

  /// Tells everybody who is being computed that the model failed, so that later requests start
  /// afresh.
  private void fail(RuntimeException failure) {
    Set<Ticket> failed = engine.fail(failure);
    lock.lock();
    try {
      waiting.remove(failed::contains); // with their further samples
    } finally {
      lock.unlock();
    }
  }

  private boolean awaitWork() {
    lock.lock();
    try {
      while (!closed && waiting.isEmpty() && engine.isIdle()) {
        submitted.awaitUninterruptibly();
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  /// Starts what fits, and computes one token for every running sequence and some of the prompts
  /// that are being read.
  ///
  /// @return whether anything is left to do
  boolean step() {
    endCancelled();
    fill();
    if (!engine.isIdle()) {
      engine.advance().forEach(this::putBack);
    }
    lock.lock();
    try {
      return !engine.isIdle() || !waiting.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private void endCancelled() {
    engine.endCancelled();
    List<Ticket> cancelled;
    lock.lock();
    try {
      cancelled = waiting.remove(Ticket::isCancelled);
    } finally {
      lock.unlock();
    }
    cancelled.forEach(engine::endUnstarted);
  }

  /// Starts sequences until all slots are taken or nothing is left to start.
  private void fill() {
    while (engine.taken() < slots) {
      Ticket ticket = poll();
      if (ticket == null) {
        return;
      }
      engine.begin(ticket);
      if (ticket.hasReadPrompt() && ticket.hasMoreSamples()) {
        putBack(ticket);
      }
    }
  }

  private @Nullable Ticket poll() {
    lock.lock();
    try {
      return waiting.next();
    } finally {
      lock.unlock();
    }
  }

  /// Lets a request wait for the slot of its next sample.
  private void putBack(Ticket ticket) {
    lock.lock();
    try {
      waiting.addFirst(ticket);
    } finally {
      lock.unlock();
    }
  }

  /// Cancels all requests and frees their memory.
  private void endAll() {
    lock.lock();
    try {
      waiting.cancelAll();
    } finally {
      lock.unlock();
    }
    engine.cancelAll();
    endCancelled();
    engine.close();
  }

  /// Refuses further requests and cancels those that have not ended; [#run] ends after its step.
  @Override
  public void close() {
    boolean idle;
    lock.lock();
    try {
      closed = true;
      idle = !running;
      submitted.signalAll();
    } finally {
      lock.unlock();
    }
    if (idle) {
      endAll();
    }
  }
}
