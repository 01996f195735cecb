package bitnet.generation;

import bitnet.runtime.KvCache;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Continuous batching: requests enter while others are running, sequences advance together, and
/// the slot of a sequence that has ended is filled at once. A prompt is read once, whatever the
/// number of its samples, and its sequence forked. A completion does not depend on what is
/// generated at the same time, bit for bit.
///
/// Any thread submits and cancels. One thread at a time, the engine thread, computes: whoever calls
/// [#drain], or a thread that runs [#run]. The model and the tokenizer stay their owner's.
public final class BatchScheduler implements AutoCloseable {
  private static final double NANOS = 1e9;
  private static final int ROOM = 64; // tokens by which capacities of caches differ

  private final TernaryLlama model;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final int slots;

  private final Lock lock = new ReentrantLock();
  private final Condition submitted = lock.newCondition();
  private final Deque<Ticket> waiting = new ArrayDeque<>(); // guarded by lock
  private boolean closed; // guarded by lock
  private boolean running; // guarded by lock

  // of the engine thread
  private final List<Slot> active = new ArrayList<>();
  private final Deque<KvCache> free = new ArrayDeque<>();
  private @Nullable Ticket started; // whose samples are being started

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
    /// particular order, before anything else of the request.
    ///
    /// @param index of the token in the prompt
    /// @param logits `[vocab]` of the token that follows it
    default void promptLogits(int index, float[] logits) {}

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
    private final Request request;
    private final Listener listener;
    private volatile boolean cancelled;
    private int nextSample; // of the engine thread, like all below
    private @Nullable KvCache cache; // that has read the prompt
    private float[] promptLogits = {};
    private double prefillSeconds;

    private Ticket(Request request, Listener listener) {
      this.request = request;
      this.listener = listener;
    }

    /// Ends the completions of the request that have not ended, before their next token.
    public void cancel() {
      cancelled = true;
    }
  }

  /// A sequence that is being continued.
  ///
  /// @param pieces of its text that the listener has not heard of
  private record Slot(
      Ticket ticket,
      int sample,
      KvCache cache,
      Continuation text,
      List<String> pieces,
      long started) {}

  /// A scheduler whose texts end with the tokenizer's end-of-text token or with one of others.
  ///
  /// @param slots maximum number of sequences that advance together, at least 1
  public BatchScheduler(
      TernaryLlama model, Tokenizer tokenizer, Set<Integer> moreEndTokens, int slots) {
    if (slots < 1) {
      throw new IllegalArgumentException("%d slots are too few; use at least 1".formatted(slots));
    }
    this.model = model;
    this.tokenizer = tokenizer;
    this.slots = slots;
    this.endTokens = Generator.endTokens(tokenizer, moreEndTokens);
  }

  /// Queues a request.
  ///
  /// @throws IllegalArgumentException if the prompt is empty, does not fit the model's context or
  ///     has tokens outside the vocabulary
  /// @throws IllegalStateException if the scheduler is closed
  public Ticket submit(Request request, Listener listener) {
    check(request.prompt);
    Ticket ticket = new Ticket(request, listener);
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
    int context = model.config().contextLength();
    if (prompt.length == 0 || prompt.length > context) {
      throw new IllegalArgumentException(
          "a prompt has %d tokens; give 1 to %d, the model's context"
              .formatted(prompt.length, context));
    }
    for (int token : prompt) {
      if (token < 0 || token >= model.config().vocabSize()) {
        throw new IllegalArgumentException(
            "token id %d is outside the vocabulary; use 0 to %d"
                .formatted(token, model.config().vocabSize() - 1));
      }
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

  /// Tells everybody that the model failed, so that later requests start afresh.
  private void fail(RuntimeException failure) {
    Set<Ticket> tickets = new HashSet<>();
    active.forEach(slot -> tickets.add(slot.ticket));
    if (started != null) {
      tickets.add(started);
    }
    active.forEach(slot -> slot.cache.close());
    active.clear();
    tickets.forEach(
        ticket -> {
          release(ticket);
          hear(ticket, () -> ticket.listener.failed(failure));
        });
    started = null;
  }

  private boolean awaitWork() {
    lock.lock();
    try {
      while (!closed && waiting.isEmpty() && active.isEmpty() && started == null) {
        submitted.awaitUninterruptibly();
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  /// Starts what fits, and computes one token for every running sequence.
  ///
  /// @return whether anything is left to do
  boolean step() {
    endCancelled();
    fill();
    if (!active.isEmpty()) {
      advance();
    }
    lock.lock();
    try {
      return !active.isEmpty() || started != null || !waiting.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private void endCancelled() {
    for (Slot slot : List.copyOf(active)) {
      if (slot.ticket.cancelled) {
        active.remove(slot);
        slot.text.interrupt();
        finish(slot);
      }
    }
    if (started != null && started.cancelled) {
      endUnstarted(started);
      started = null;
    }
    List<Ticket> cancelled = new ArrayList<>();
    lock.lock();
    try {
      waiting.removeIf(ticket -> ticket.cancelled && cancelled.add(ticket));
    } finally {
      lock.unlock();
    }
    cancelled.forEach(this::endUnstarted);
  }

  /// Ends the samples of a request that have no slot yet.
  private void endUnstarted(Ticket ticket) {
    release(ticket);
    for (int sample = ticket.nextSample; sample < ticket.request.samples; sample++) {
      Completion nothing =
          new Completion(
              "",
              List.of(),
              FinishReason.INTERRUPTED,
              new Completion.Timings(ticket.request.prompt.length, ticket.prefillSeconds, 0, 0));
      int index = sample;
      hear(ticket, () -> ticket.listener.finished(index, nothing));
    }
  }

  /// Cancels all requests and frees their memory.
  private void endAll() {
    lock.lock();
    try {
      waiting.forEach(Ticket::cancel);
    } finally {
      lock.unlock();
    }
    active.forEach(slot -> slot.ticket.cancel());
    if (started != null) {
      started.cancel();
    }
    endCancelled();
    free.forEach(KvCache::close);
    free.clear();
  }

  /// Starts sequences until all slots are taken or nothing is left to start.
  private void fill() {
    while (active.size() < slots) {
      Ticket ticket = started == null ? poll() : started;
      if (ticket == null) {
        return;
      }
      started = ticket;
      readPrompt(ticket);
      start(ticket, ticket.nextSample++);
      if (ticket.nextSample == ticket.request.samples) {
        release(ticket); // the samples keep what it read
        started = null;
      }
    }
  }

  private @Nullable Ticket poll() {
    lock.lock();
    try {
      return waiting.poll();
    } finally {
      lock.unlock();
    }
  }

  /// Reads the prompt, unless that was done for an earlier sample of it.
  private void readPrompt(Ticket ticket) {
    if (ticket.cache == null) {
      KvCache cache = model.newCache(ticket.request.prompt.length);
      ticket.cache = cache;
      long start = System.nanoTime();
      ticket.promptLogits =
          ticket.listener.wantsPromptLogits()
              ? visitPrompt(ticket, cache)
              : model.advance(List.of(cache), List.of(ticket.request.prompt))[0];
      ticket.prefillSeconds = (System.nanoTime() - start) / NANOS;
    }
  }

  /// Reads the prompt and hands out the logits after each of its tokens.
  private float[] visitPrompt(Ticket ticket, KvCache cache) {
    int last = ticket.request.prompt.length - 1;
    float[][] kept = new float[1][];
    model.visitLogits(
        cache,
        ticket.request.prompt,
        (index, logits) -> {
          if (index == last) {
            kept[0] = logits;
          }
          hear(ticket, () -> ticket.listener.promptLogits(index, logits));
        });
    return kept[0];
  }

  private void start(Ticket ticket, int sample) {
    Request request = ticket.request;
    int context = model.config().contextLength();
    long wanted = (long) request.prompt.length + request.settings.maxTokens() - 1;
    KvCache cache = takeCache((int) Math.min(context, Math.max(1, wanted)));
    if (ticket.cache != null) {
      cache.forkFrom(ticket.cache);
    }
    List<String> pieces = new ArrayList<>();
    Continuation text =
        new Continuation(
            tokenizer,
            endTokens,
            context,
            request.settings,
            request.firstSequence + sample,
            request.prompt,
            pieces::add);
    Slot slot = new Slot(ticket, sample, cache, text, pieces, System.nanoTime());
    boolean ended = text.take(ticket.promptLogits);
    hearDrawn(slot, ticket.promptLogits);
    if (ended) {
      finish(slot);
    } else {
      active.add(slot);
      show(slot);
    }
  }

  /// A cache that has enough room, and not far too much, if one is free.
  private KvCache takeCache(int capacity) {
    for (Iterator<KvCache> each = free.iterator(); each.hasNext(); ) {
      KvCache cache = each.next();
      if (cache.capacity() >= capacity && cache.capacity() / 2 <= capacity) {
        each.remove();
        return cache;
      }
    }
    long room = Math.ceilDiv((long) capacity, ROOM) * ROOM;
    return model.newCache((int) Math.min(model.config().contextLength(), room));
  }

  private static void release(Ticket ticket) {
    if (ticket.cache != null) {
      ticket.cache.close();
      ticket.cache = null;
    }
  }

  /// One token for every running sequence.
  private void advance() {
    List<KvCache> caches = new ArrayList<>();
    List<int[]> tokens = new ArrayList<>();
    for (Slot slot : active) {
      caches.add(slot.cache);
      tokens.add(new int[] {slot.text.lastToken()});
    }
    float[][] logits = model.advance(caches, tokens);
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
    int index = 0;
    for (Iterator<Slot> each = active.iterator(); each.hasNext(); index++) {
      Slot slot = each.next();
      hearDrawn(slot, logits[index]);
      if (ended[index]) {
        each.remove();
        finish(slot);
      } else {
        show(slot);
      }
    }
  }

  private void finish(Slot slot) {
    if (free.size() < slots) {
      slot.cache.truncate(0); // releases the prompt
      free.push(slot.cache);
    } else {
      slot.cache.close();
    }
    Ticket ticket = slot.ticket;
    double seconds = (System.nanoTime() - slot.started) / NANOS;
    Completion completion =
        slot.text.complete(ticket.request.prompt.length, ticket.prefillSeconds, seconds);
    show(slot);
    hear(ticket, () -> ticket.listener.finished(slot.sample, completion));
  }

  private static void hearDrawn(Slot slot, float[] logits) {
    hear(
        slot.ticket,
        () -> slot.ticket.listener.drawn(slot.sample, slot.text.lastSampled(), logits));
  }

  private static void show(Slot slot) {
    slot.pieces.forEach(
        piece -> hear(slot.ticket, () -> slot.ticket.listener.text(slot.sample, piece)));
    slot.pieces.clear();
  }

  private static void hear(Ticket ticket, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException failure) {
      ticket.cancel();
    }
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
