package bitnet.data;

import bitnet.setting.SettingChecks;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.Iterator;
import java.util.Locale;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// Windows of whole records, by best-fit decreasing (Ding et al., arXiv 2404.10830; `bfd` in TRL):
/// from the longest to the shortest, each record goes to the window in which it leaves the least
/// room.
///
/// Every record stands in its window as if it were alone: its positions count from 0, attention
/// stays inside of it, and its first token is not predicted. Of a record that is longer than a
/// window the end is left out, as TRL does. What is left of a window is padding without targets.
///
/// Windows are numbered by their first record. Sixteen bytes of memory are kept for each record.
public final class RecordPacking {
  private final TokenStream tokens;
  private final int seq;
  private final int[] records; // window after window, each in the order of the stream
  private final int[] firsts; // of each window among the records, and their number
  private long cut;
  private long used;

  /// Packs the records of a stream.
  ///
  /// @param what the stream is, for messages
  /// @param tokens of a dataset that was opened with [Packing#RECORDS]
  /// @param batch sequences in a batch
  /// @param seq their length in tokens
  /// @throws IllegalArgumentException if a number is below 1, or no record has two tokens
  public RecordPacking(String what, TokenStream tokens, int batch, int seq) {
    TokenWindows.checkSizes(batch, seq);
    this.tokens = tokens;
    this.seq = seq;
    int count = tokens.records();
    int[] windowOf = new int[count];
    int windows = assign(windowOf);
    if (windows == 0) {
      throw new IllegalArgumentException(
          "the %s has %d records and none of two tokens, which packing records needs; give a longer"
                  .formatted(what, count)
              + " text");
    }
    this.firsts = new int[windows + 1];
    forEachPacked(record -> firsts[windowOf[record] + 1]++);
    Arrays.parallelPrefix(firsts, Integer::sum);
    this.records = new int[firsts[windows]];
    int[] next = firsts.clone();
    forEachPacked(record -> records[next[windowOf[record]]++] = record);
  }

  /// Whether any record has two tokens, so that there is a window.
  public static boolean hasWindow(TokenStream tokens) {
    return IntStream.range(0, tokens.records())
        .anyMatch(record -> tokens.recordEnd(record) - tokens.recordStart(record) > 1);
  }

  /// Gives each record a window.
  ///
  /// @return how many windows there are
  private int assign(int[] windowOf) {
    int[] lengths = new int[windowOf.length];
    forEachPacked(
        record -> {
          long inputs = tokens.recordEnd(record) - tokens.recordStart(record) - 1;
          lengths[record] = (int) Math.min(seq, inputs);
          cut += inputs > seq ? 1 : 0;
          used += lengths[record];
        });
    Rooms rooms = new Rooms(seq);
    for (int record : byDescending(lengths)) {
      windowOf[record] = rooms.place(lengths[record]);
    }
    int[] numbers = new int[rooms.windows];
    int[] seen = {0};
    forEachPacked(
        record -> {
          int window = windowOf[record];
          if (numbers[window] == 0) {
            numbers[window] = ++seen[0];
          }
          windowOf[record] = numbers[window] - 1;
        });
    return rooms.windows;
  }

  /// Records that have a token to predict.
  private void forEachPacked(IntConsumer action) {
    for (int record = 0; record < tokens.records(); record++) {
      if (tokens.recordEnd(record) - tokens.recordStart(record) > 1) {
        action.accept(record);
      }
    }
  }

  /// The records with a length above 0 from the longest to the shortest, equal ones in order.
  private int[] byDescending(int... lengths) {
    int[] next = new int[seq + 2]; // where the records of each length go
    for (int length : lengths) {
      next[length]++;
    }
    int total = 0;
    for (int length = seq; length >= 1; length--) {
      int count = next[length];
      next[length] = total;
      total += count;
    }
    int[] sorted = new int[total];
    for (int record = 0; record < lengths.length; record++) {
      if (lengths[record] > 0) {
        sorted[next[lengths[record]]++] = record;
      }
    }
    return sorted;
  }

  /// The windows by the room that is left in them.
  private static final class Rooms {
    private final int seq;
    private final BitSet some = new BitSet(); // rooms that some window has
    private final Deque<Integer>[] byRoom;
    private int windows;

    @SuppressWarnings({"unchecked", "rawtypes"}) // an array of deques
    Rooms(int seq) {
      this.seq = seq;
      this.byRoom = new Deque[seq + 1];
      Arrays.setAll(byRoom, room -> new ArrayDeque<>(0));
    }

    /// The fullest window with that much room, or a new one.
    int place(int length) {
      int room = some.nextSetBit(length);
      int window;
      if (room < 0) {
        room = seq;
        window = windows++;
      } else {
        window = byRoom[room].removeFirst();
        some.set(room, !byRoom[room].isEmpty());
      }
      if (room > length) {
        byRoom[room - length].addLast(window);
        some.set(room - length);
      }
      return window;
    }
  }

  /// The number of windows.
  public int windows() {
    return firsts.length - 1;
  }

  /// What was packed, for people.
  public String summary() {
    String text =
        String.format(
            Locale.ROOT,
            "%,d records in %,d windows of %d tokens, %.1f%% full",
            records.length,
            windows(),
            seq,
            100.0 * used / windows() / seq);
    return cut == 0
        ? text
        : text + String.format(Locale.ROOT, "; %,d are longer and lose their end", cut);
  }

  /// A batch of windows.
  TokenBatch batch(long... windows) {
    int[] inputs = new int[windows.length * seq];
    int[] targets = new int[windows.length * seq];
    int[] starts = new int[windows.length * seq];
    Arrays.fill(targets, TokenBatch.NO_TARGET);
    for (int row = 0; row < windows.length; row++) {
      int window = (int) windows[row];
      int at = 0;
      for (int i = firsts[window]; i < firsts[window + 1]; i++) {
        long start = tokens.recordStart(records[i]);
        int count = (int) Math.min(seq, tokens.recordEnd(records[i]) - start - 1);
        tokens.copy(start, count, inputs, row * seq + at);
        tokens.copyTargets(start + 1, count, targets, row * seq + at);
        Arrays.fill(starts, row * seq + at, row * seq + at + count, at);
        at += count;
      }
      for (; at < seq; at++) {
        starts[row * seq + at] = at; // padding attends to itself only
      }
    }
    return new TokenBatch(inputs, targets, windows.length, seq, starts);
  }

  /// The training batch of a state; the state after it is `state.after(batch)`. It is a pure
  /// function of the state, so that a resumed run sees what it would have seen.
  ///
  /// @param sampling [WindowSampling#EPOCH]: every window once per epoch, reshuffled for each;
  ///     [WindowSampling#RANDOM]: windows drawn independently
  /// @param batch sequences in a batch
  public TokenBatch batch(SamplerState state, WindowSampling sampling, int batch) {
    long count = windows();
    return batch(
        LongStream.range(state.drawn(), state.drawn() + batch)
            .map(
                draw ->
                    switch (sampling) {
                      case RANDOM -> CounterRandom.below(count, state.seed(), draw);
                      case EPOCH -> {
                        long key = CounterRandom.value(state.seed(), draw / count);
                        yield CounterRandom.permuted(draw % count, count, key);
                      }
                    })
            .toArray());
  }

  /// All windows in order, each once; the last batch may be smaller. Each is read when it is asked
  /// for.
  ///
  /// @param batch sequences in a batch, at least 1
  public Iterable<TokenBatch> inOrder(int batch) {
    SettingChecks.atLeast("batch_size", batch, 1);
    return () -> batches(batch);
  }

  private Iterator<TokenBatch> batches(int batch) {
    return IntStream.iterate(0, first -> first < windows(), first -> first + batch)
        .mapToObj(
            first -> batch(LongStream.range(first, Math.min(windows(), first + batch)).toArray()))
        .iterator();
  }
}
