package bitnet.data;

import bitnet.storage.ContentDigest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/// A read-only run of token ids, in memory or in a mapped file: longer than memory if need be. Some
/// may be masked: they are read, but nothing is learnt from predicting them. Threads may share it.
public final class TokenStream {
  private static final int DIGEST_TOKENS = 1 << 14; // hashed at a time

  /// In files and in memory alike, so that files of tokens mean the same on every machine.
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final ValueLayout.OfChar CHAR =
      ValueLayout.JAVA_CHAR.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final List<MemorySegment> segments;
  private final long segmentTokens; // in each but the last
  private final boolean wide;
  private final LossMask mask;
  private final String content; // a digest of all segments; empty if not known
  private final long from;
  private final long size;
  private final long[] recordStarts; // of the whole stream, with its end; empty if not known
  private final int firstRecord;
  private final int records;

  /// @param tokens ids, little-endian, 4 bytes each where `wide`, else unsigned 2; the complement
  ///     `~id` is a masked one
  /// @param mask what is masked
  /// @param recordStarts where records begin, and the end of the last one; none if not known
  TokenStream(MemorySegment tokens, boolean wide, LossMask mask, long... recordStarts) {
    this(List.of(tokens), Long.MAX_VALUE, wide, mask, "", 0, count(tokens, wide), recordStarts);
  }

  private TokenStream(
      List<MemorySegment> segments,
      long segmentTokens,
      boolean wide,
      LossMask mask,
      String content,
      long from,
      long size,
      long... recordStarts) {
    this.segments = segments;
    this.segmentTokens = segmentTokens;
    this.wide = wide;
    this.mask = mask;
    this.content = content;
    this.from = from;
    this.size = size;
    this.recordStarts = recordStarts;
    this.firstRecord = recordAtOrAfter(from);
    this.records =
        recordStarts.length == 0
            ? 0
            : Math.min(recordStarts.length - 1, recordAtOrAfter(from + size)) - firstRecord;
  }

  /// Several segments as one stream, without masks.
  ///
  /// @param segmentTokens the tokens of each segment but the last, which has as many at most
  /// @param content a digest of the tokens, so that they need not be read for one
  static TokenStream ofSegments(
      List<MemorySegment> segments,
      long segmentTokens,
      boolean wide,
      String content,
      long... recordStarts) {
    long size = segments.stream().mapToLong(segment -> count(segment, wide)).sum();
    return new TokenStream(
        List.copyOf(segments), segmentTokens, wide, LossMask.NONE, content, 0, size, recordStarts);
  }

  private static long count(MemorySegment tokens, boolean wide) {
    return tokens.byteSize() / (wide ? Integer.BYTES : Character.BYTES);
  }

  /// The first record that begins at that place of the whole stream or later.
  private int recordAtOrAfter(long position) {
    int found = Arrays.binarySearch(recordStarts, position);
    return found < 0 ? -found - 1 : found;
  }

  /// The number of records that begin in this part; 0 if that is not known, because the dataset was
  /// not opened with [Packing#RECORDS].
  public int records() {
    return records;
  }

  /// The position of a record's first token.
  ///
  /// @param record from 0 to below [#records]
  public long recordStart(int record) {
    return recordStarts[firstRecord + record] - from;
  }

  /// The position after a record's last token, at the latest the end of this part.
  ///
  /// @param record from 0 to below [#records]
  public long recordEnd(int record) {
    return Math.min(recordStarts[firstRecord + record + 1] - from, size);
  }

  /// Whether it is known where records begin.
  boolean hasRecords() {
    return recordStarts.length > 0;
  }

  /// A stream of these ids, held in memory; the complement `~id` is a masked one.
  public static TokenStream of(int... ids) {
    boolean masked = Arrays.stream(ids).anyMatch(id -> id < 0);
    MemorySegment tokens = MemorySegment.ofArray(new int[ids.length]);
    for (int i = 0; i < ids.length; i++) {
      tokens.setAtIndex(INT, i, ids[i]);
    }
    return new TokenStream(tokens, true, masked ? LossMask.PROMPTS : LossMask.NONE);
  }

  /// The number of tokens.
  public long size() {
    return size;
  }

  /// Which tokens are only read.
  public LossMask mask() {
    return mask;
  }

  /// Whether a token that follows another one is not masked, so that there is something to learn.
  public boolean hasTargets() {
    if (mask == LossMask.NONE) {
      return size > 1;
    }
    for (long i = 1; i < size; i++) {
      if (raw(from + i) >= 0) {
        return true;
      }
    }
    return false;
  }

  /// The token at a position.
  ///
  /// @throws IndexOutOfBoundsException if there is none
  /// @throws IllegalStateException if the dataset has been closed
  public int at(long index) {
    return id(raw(from + Objects.checkIndex(index, size)));
  }

  /// A short name of the content, masks and known beginnings of records included: the beginning of
  /// its SHA-256, or, where the digest of a whole dataset is known, of that and the place in it.
  ///
  /// @throws IllegalStateException if the dataset has been closed
  public String digest() {
    if (!content.isEmpty()) {
      String part = "%s %d %d %b".formatted(content, from, size, hasRecords());
      return ContentDigest.of(part.getBytes(StandardCharsets.US_ASCII));
    }
    int[] ids = new int[(int) Math.min(size, DIGEST_TOKENS)];
    ByteBuffer bytes = ByteBuffer.allocate(ids.length * Integer.BYTES);
    ContentDigest digest = new ContentDigest();
    for (long start = 0; start < size; start += ids.length) {
      int count = (int) Math.min(ids.length, size - start);
      copyRaw(start, count, ids, 0);
      bytes.clear().asIntBuffer().put(ids, 0, count);
      digest.update(bytes.limit(count * Integer.BYTES));
    }
    for (int record = 0; record < records; record++) {
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(0, recordStart(record)));
    }
    return digest.hex();
  }

  /// Copies `count` tokens from position `start` on to `into[offset...]`.
  ///
  /// @throws IndexOutOfBoundsException if the stream or the array is too short
  /// @throws IllegalStateException if the dataset has been closed
  public void copy(long start, int count, int[] into, int offset) {
    copyRaw(start, count, into, offset);
    for (int i = offset; i < offset + count; i++) {
      into[i] = id(into[i]);
    }
  }

  /// The same, with [TokenBatch#NO_TARGET] in the place of masked tokens.
  public void copyTargets(long start, int count, int[] into, int offset) {
    copyRaw(start, count, into, offset);
    for (int i = offset; i < offset + count; i++) {
      into[i] = Math.max(into[i], TokenBatch.NO_TARGET);
    }
  }

  private void copyRaw(long start, int count, int[] into, int offset) {
    Objects.checkFromIndexSize(start, count, size);
    Objects.checkFromIndexSize(offset, count, into.length);
    int copied = 0;
    while (copied < count) {
      long first = from + start + copied;
      MemorySegment segment = segments.get((int) (first / segmentTokens));
      long at = first % segmentTokens;
      int here = (int) Math.min(count - copied, segmentTokens - at);
      copyRaw(segment, at, here, into, offset + copied);
      copied += here;
    }
  }

  private void copyRaw(MemorySegment segment, long at, int count, int[] into, int offset) {
    if (wide) {
      MemorySegment.copy(segment, INT, at * Integer.BYTES, into, offset, count);
    } else {
      for (int i = 0; i < count; i++) {
        into[offset + i] = segment.getAtIndex(CHAR, at + i);
      }
    }
  }

  /// The tokens from `start` (included) to `end` (excluded), not copied.
  ///
  /// @throws IndexOutOfBoundsException if they are not all there
  public TokenStream part(long start, long end) {
    Objects.checkFromToIndex(start, end, size);
    return new TokenStream(
        segments, segmentTokens, wide, mask, content, from + start, end - start, recordStarts);
  }

  /// One of several parts of nearly the same length, which together are this stream. Records that
  /// are known stay whole: a part begins with one.
  ///
  /// @param shard from 0 to below `shards`
  /// @throws IndexOutOfBoundsException if the part is not from 0 to below the number of parts
  public TokenStream shard(int shard, int shards) {
    Objects.checkIndex(shard, shards);
    return part(shardStart(shard, shards), shardStart(shard + 1, shards));
  }

  private long shardStart(int shard, int shards) {
    long position = Math.multiplyExact(size, (long) shard) / shards;
    if (!hasRecords() || shard == 0 || shard == shards) {
      return position;
    }
    return Math.min(size, recordStarts[recordAtOrAfter(from + position)] - from);
  }

  private static int id(int raw) {
    return raw < 0 ? ~raw : raw;
  }

  private int raw(long index) {
    MemorySegment segment = segments.get((int) (index / segmentTokens));
    long at = index % segmentTokens;
    return wide ? segment.getAtIndex(INT, at) : segment.getAtIndex(CHAR, at);
  }
}
