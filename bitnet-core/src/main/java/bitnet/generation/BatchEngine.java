package bitnet.generation;

import bitnet.generation.BatchScheduler.Request;
import bitnet.generation.BatchScheduler.Ticket;
import bitnet.runtime.KvCache;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The sequences of a [BatchScheduler] that have slots: prompts that are being read, in chunks, and
/// texts that are being continued. One thread uses it.
final class BatchEngine implements AutoCloseable {
  private static final double NANOS = 1e9;
  private static final int ROOM = 64; // tokens by which capacities of caches differ

  private final TernaryLlama model;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final BatchSettings settings;
  private final PrefixCache prefixes;
  private final Deque<Ticket> reading = new ArrayDeque<>(); // the next one to be read first
  private final List<Slot> active = new ArrayList<>();
  private final Deque<KvCache> free = new ArrayDeque<>();
  private @Nullable Ticket starting;

  /// A text that is being continued.
  ///
  /// @param pieces of its text that the listener has not heard of
  private record Slot(
      Ticket ticket,
      int sample,
      KvCache cache,
      Continuation text,
      List<String> pieces,
      long started) {}

  /// Tokens of a prompt that are read in a pass.
  private record Chunk(Ticket ticket, KvCache cache, int first, int end) {}

  BatchEngine(
      TernaryLlama model, Tokenizer tokenizer, Set<Integer> endTokens, BatchSettings settings) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.endTokens = endTokens;
    this.settings = settings;
    this.prefixes = new PrefixCache(settings.prefixCacheBytes());
  }

  /// Whether there is nothing to compute.
  boolean isIdle() {
    return reading.isEmpty() && active.isEmpty();
  }

  /// Slots that are taken. A prompt that is being read has slots for all of its samples, so that
  /// these run together, which share its keys and values in the processor's cache.
  long taken() {
    return active.size() + reading.stream().mapToLong(ticket -> ticket.request.samples()).sum();
  }

  /// Gives a slot to a request: for the next sample of one that has read its prompt, or for reading
  /// it.
  void begin(Ticket ticket) {
    if (ticket.hasReadPrompt()) {
      startNext(ticket);
      return;
    }
    reading.addLast(ticket);
  }

  /// Makes a cache for a prompt, with what is known of its beginning: of the prefix cache, or of
  /// another prompt that is being read.
  ///
  /// @return null as long as another prompt is about to read what this one begins with, too
  private @Nullable KvCache open(Ticket ticket) {
    int[] prompt = ticket.request.prompt();
    PrefixCache.Hit hit = null;
    if (prefixes.isOn() && !ticket.wantsPromptLogits()) {
      hit = prefixes.find(prompt);
      int most = hit == null ? PrefixCache.LEAST_TOKENS - 1 : hit.tokens();
      for (Ticket other : reading) {
        int same = PrefixCache.common(other.request.prompt(), prompt);
        if (other.cache != null && same > most) {
          if (other.cache.length() < same) {
            return null;
          }
          most = same;
          hit = new PrefixCache.Hit(other.cache, same);
        }
      }
    }
    KvCache cache = model.newCache(prompt.length);
    ticket.cache = cache;
    if (hit != null) {
      ticket.cachedTokens = hit.tokens();
      if (ticket.request.samples() == 1) {
        cache.forkFrom(hit.cache(), hit.tokens());
      } else {
        cache.copyFrom(hit.cache(), hit.tokens()); // so that the samples share the whole prompt
      }
    }
    return cache;
  }

  /// Computes a token of every text, and chunks of prompts.
  ///
  /// @return the requests that have just read their prompts and have more samples to start
  List<Ticket> advance() {
    long start = System.nanoTime();
    BatchPass pass = new BatchPass();
    for (Slot slot : active) {
      pass.add(slot.cache, new int[] {slot.text.lastToken()}, true, null);
    }
    List<Chunk> chunks = takeChunks();
    chunks.forEach(chunk -> add(pass, chunk));
    float[][] logits = pass.run(model);
    int texts = active.size();
    takeTokens(logits, texts);
    double seconds = (System.nanoTime() - start) / NANOS;
    List<Ticket> more = new ArrayList<>();
    for (int i = 0; i < chunks.size(); i++) {
      Ticket ticket = chunks.get(i).ticket;
      ticket.prefillSeconds += seconds;
      reading.remove(ticket);
      if (chunks.get(i).end < ticket.request.prompt().length) {
        reading.addLast(ticket); // after the other prompts
      } else {
        ticket.promptLogits = logits[texts + i];
        ticket.tell(listener -> listener.promptRead(ticket.cachedTokens));
        startNext(ticket);
        if (ticket.hasMoreSamples()) {
          more.add(ticket);
        }
      }
    }
    return more;
  }

  /// Takes prompts in turn until the tokens of a pass are reached.
  private List<Chunk> takeChunks() {
    List<Chunk> chunks = new ArrayList<>();
    int left = settings.chunk(active.size());
    for (Ticket ticket : reading) {
      KvCache cache = left > 0 && ticket.cache == null ? open(ticket) : ticket.cache;
      if (left == 0 || cache == null) {
        continue;
      }
      int first = cache.length();
      int end = Math.min(ticket.request.prompt().length, first + left);
      chunks.add(new Chunk(ticket, cache, first, end));
      left -= end - first;
    }
    return chunks;
  }

  private static void add(BatchPass pass, Chunk chunk) {
    Ticket ticket = chunk.ticket;
    int[] prompt = ticket.request.prompt();
    TernaryLlama.LogitVisitor every =
        (index, logits) ->
            ticket.tell(listener -> listener.promptLogits(chunk.first + index, logits));
    pass.add(
        chunk.cache,
        Arrays.copyOfRange(prompt, chunk.first, chunk.end),
        chunk.end == prompt.length,
        ticket.wantsPromptLogits() ? every : null);
  }

  /// Draws a token for every text.
  private void takeTokens(float[][] logits, int texts) {
    boolean[] ended = new boolean[texts];
    model
        .team()
        .forRanges(
            texts,
            1,
            (first, end) -> {
              for (int i = first; i < end; i++) {
                ended[i] = active.get(i).text.take(logits[i]);
              }
            });
    int index = 0;
    for (Iterator<Slot> each = active.iterator(); each.hasNext(); index++) {
      Slot slot = each.next();
      tellDrawn(slot, logits[index]);
      if (ended[index]) {
        each.remove();
        finish(slot);
      } else {
        tellText(slot);
      }
    }
  }

  /// Starts the next sample of a request that has read its prompt.
  private void startNext(Ticket ticket) {
    starting = ticket;
    int sample = ticket.nextSample++;
    Request request = ticket.request;
    int context = model.config().contextLength();
    long wanted = (long) request.prompt().length + request.settings().maxTokens() - 1;
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
            request.settings(),
            request.firstSequence() + sample,
            request.prompt(),
            pieces::add);
    Slot slot = new Slot(ticket, sample, cache, text, pieces, System.nanoTime());
    boolean ended = text.take(ticket.promptLogits);
    tellDrawn(slot, ticket.promptLogits);
    if (ended) {
      finish(slot);
    } else {
      active.add(slot);
      tellText(slot);
    }
    if (!ticket.hasMoreSamples()) {
      keepPrompt(ticket); // the samples keep what it read
    }
    starting = null;
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

  private void finish(Slot slot) {
    Ticket ticket = slot.ticket;
    double seconds = (System.nanoTime() - slot.started) / NANOS;
    int read = ticket.request.prompt().length - ticket.cachedTokens;
    Completion completion = slot.text.complete(read, ticket.prefillSeconds, seconds);
    keepText(slot, completion);
    if (free.size() < settings.slots()) {
      slot.cache.truncate(0); // releases the prompt
      free.push(slot.cache);
    } else {
      slot.cache.close();
    }
    tellText(slot);
    ticket.tell(listener -> listener.finished(slot.sample, completion));
  }

  /// Keeps what was read of a prompt for later requests.
  private void keepPrompt(Ticket ticket) {
    KvCache cache = ticket.cache;
    if (cache != null) {
      prefixes.add(Arrays.copyOf(ticket.request.prompt(), cache.length()), cache);
      ticket.cache = null;
    }
  }

  /// Keeps prompt and completion for later requests, such as the next turn of a conversation.
  private void keepText(Slot slot, Completion completion) {
    int[] prompt = slot.ticket.request.prompt();
    int length = slot.cache.length();
    if (!prefixes.isOn() || length <= prompt.length) {
      return;
    }
    int[] tokens = Arrays.copyOf(prompt, length);
    System.arraycopy(completion.tokens(), 0, tokens, prompt.length, length - prompt.length);
    KvCache copy = model.newCache(length); // without the room for more tokens
    copy.forkFrom(slot.cache);
    prefixes.add(tokens, copy);
  }

  /// Ends what was cancelled.
  void endCancelled() {
    for (Slot slot : List.copyOf(active)) {
      if (slot.ticket.isCancelled()) {
        active.remove(slot);
        slot.text.interrupt();
        finish(slot);
      }
    }
    List<Ticket> cancelled = new ArrayList<>();
    reading.removeIf(ticket -> ticket.isCancelled() && cancelled.add(ticket));
    cancelled.forEach(this::endUnstarted);
  }

  /// Ends the samples of a request that have no slot yet.
  void endUnstarted(Ticket ticket) {
    keepPrompt(ticket);
    Completion nothing =
        new Completion(
            "",
            List.of(),
            FinishReason.INTERRUPTED,
            new Completion.Timings(ticket.request.prompt().length, ticket.prefillSeconds, 0, 0));
    while (ticket.hasMoreSamples()) {
      int sample = ticket.nextSample++;
      ticket.tell(listener -> listener.finished(sample, nothing));
    }
  }

  /// Cancels everything, to be ended by [#endCancelled].
  void cancelAll() {
    reading.forEach(Ticket::cancel);
    active.forEach(slot -> slot.ticket.cancel());
  }

  /// Gives up everything after a failure of the model, and tells the listeners.
  ///
  /// @return the requests
  Set<Ticket> fail(RuntimeException failure) {
    Set<Ticket> tickets = new HashSet<>(reading);
    active.forEach(slot -> tickets.add(slot.ticket));
    if (starting != null) {
      tickets.add(starting);
    }
    active.forEach(slot -> slot.cache.close());
    active.clear();
    reading.clear();
    starting = null;
    for (Ticket ticket : tickets) {
      ticket.cancel();
      if (ticket.cache != null) {
        ticket.cache.close();
        ticket.cache = null;
      }
      ticket.tell(listener -> listener.failed(failure));
    }
    return tickets;
  }

  private static void tellDrawn(Slot slot, float[] logits) {
    slot.ticket.tell(listener -> listener.drawn(slot.sample, slot.text.lastSampled(), logits));
  }

  private static void tellText(Slot slot) {
    slot.pieces.forEach(piece -> slot.ticket.tell(listener -> listener.text(slot.sample, piece)));
    slot.pieces.clear();
  }

  @Override
  public void close() {
    free.forEach(KvCache::close);
    free.clear();
    prefixes.close();
  }
}
