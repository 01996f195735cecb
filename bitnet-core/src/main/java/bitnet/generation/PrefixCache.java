package bitnet.generation;

import bitnet.runtime.KvCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Keys and values of token sequences that later prompts may begin with. Within a bound of memory,
/// beyond which those that were not used for the longest time are dropped. One thread uses it.
final class PrefixCache implements AutoCloseable {
  /// Shorter beginnings are read again: sharing them saves less than it costs.
  static final int LEAST_TOKENS = 16;

  private final long mostBytes;
  private final List<Entry> entries = new ArrayList<>(); // the least recently used first

  private record Entry(int[] tokens, KvCache cache) {}

  /// @param mostBytes of keys and values; 0 keeps nothing
  PrefixCache(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /// A beginning of a prompt that has been read.
  ///
  /// @param cache begins with its keys and values; stays the prefix cache's
  record Hit(KvCache cache, int tokens) {}

  /// The longest beginning of a prompt that is here, less than all of it, since something must be
  /// read for the logits; null where none is long enough to be used.
  @Nullable Hit find(int... prompt) {
    Entry longest = null;
    int most = LEAST_TOKENS - 1;
    for (Entry entry : entries) {
      int same = common(entry.tokens, prompt);
      if (same > most) {
        most = same;
        longest = entry;
      }
    }
    if (longest == null) {
      return null;
    }
    entries.remove(longest);
    entries.add(longest);
    return new Hit(longest.cache, most);
  }

  /// The first tokens that a prompt has in common with others; less than all of it, since something
  /// must be read for the logits.
  static int common(int[] others, int[] prompt) {
    return Math.min(shared(others, prompt), prompt.length - 1);
  }

  private static int shared(int[] some, int[] others) {
    int at = Arrays.mismatch(some, others);
    return at < 0 ? some.length : at;
  }

  /// Keeps a sequence, or closes it where that is of no use.
  ///
  /// @param tokens that it has read
  /// @param cache of these tokens; the prefix cache's from now on
  void add(int[] tokens, KvCache cache) {
    if (mostBytes == 0 || tokens.length < LEAST_TOKENS) {
      cache.close();
      return;
    }
    for (Iterator<Entry> each = entries.iterator(); each.hasNext(); ) {
      Entry entry = each.next();
      int same = shared(entry.tokens, tokens);
      if (same == tokens.length) { // it continues this one
        each.remove();
        entries.add(entry);
        cache.close();
        return;
      }
      if (same == entry.tokens.length) { // this one continues it
        each.remove();
        entry.cache.close();
      }
    }
    entries.add(new Entry(tokens, cache));
    while (bytes() > mostBytes) {
      entries.removeFirst().cache.close();
    }
  }

  /// Whether the cache keeps sequences at all.
  boolean isOn() {
    return mostBytes > 0;
  }

  /// Memory of all that is here; what several sequences share counts once.
  long bytes() {
    return KvCache.bytes(entries.stream().map(Entry::cache).toList());
  }

  @Override
  public void close() {
    entries.forEach(entry -> entry.cache.close());
    entries.clear();
  }
}
