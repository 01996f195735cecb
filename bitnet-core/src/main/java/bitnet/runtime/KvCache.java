package bitnet.runtime;

import bitnet.kernel.CacheType;
import bitnet.kernel.CachedKeysValues;
import bitnet.kernel.TernaryKernels;
import bitnet.model.LlamaConfig;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Keys and values of the tokens that one sequence has seen; owned by the caller. A fork reads the
/// tokens that it has in common with another sequence where that keeps them, so that they are in
/// memory once, and in a processor's cache once for all forks.
///
/// One thread at a time uses a sequence and its forks.
public final class KvCache implements AutoCloseable {
  private final LlamaConfig config;
  private final CacheType type;
  private final int capacity;

  /// The first tokens, which another sequence has computed.
  private @Nullable KvStorage shared;

  private int sharedLength;

  /// The tokens that follow, as soon as there are any.
  private @Nullable KvStorage own;

  /// Tokens of [#own] that forks read.
  private int frozen;

  private int length;
  private boolean closed;

  KvCache(LlamaConfig config, CacheType type, int capacity) {
    if (capacity < 1 || capacity > config.contextLength()) {
      throw new IllegalArgumentException(
          "a capacity of %d tokens is not from 1 to the model's context of %d"
              .formatted(capacity, config.contextLength()));
    }
    this.config = config;
    this.type = type;
    this.capacity = capacity;
  }

  /// Memory of a cache that shares nothing.
  public static long bytes(LlamaConfig config, CacheType type, int capacity) {
    return 2L * config.layerCount() * config.keyValueWidth() * capacity * type.bytes();
  }

  /// Memory that several sequences hold; what they share counts once.
  public static long bytes(Collection<KvCache> caches) {
    Set<KvStorage> held = Collections.newSetFromMap(new IdentityHashMap<>());
    for (KvCache cache : caches) {
      Stream.of(Optional.ofNullable(cache.shared), Optional.ofNullable(cache.own))
          .flatMap(Optional::stream)
          .forEach(held::add);
    }
    return held.stream().mapToLong(KvStorage::bytes).sum();
  }

  /// Tokens seen so far.
  public int length() {
    return length;
  }

  /// The most tokens.
  public int capacity() {
    return capacity;
  }

  /// Forgets the last tokens. Forks keep them.
  ///
  /// @param tokens that stay, from 0 to the length
  public void truncate(int tokens) {
    if (tokens < 0 || tokens > length) {
      throw new IllegalArgumentException(
          "cannot keep %d of %d tokens; keep 0 to %d".formatted(tokens, length, length));
    }
    truncateOwn(Math.max(0, tokens - sharedLength));
    if (tokens < sharedLength) {
      sharedLength = tokens;
    }
    if (sharedLength == 0) {
      shared = release(shared);
    }
    length = tokens;
  }

  /// Leaves alone what forks read.
  private void truncateOwn(int tokens) {
    KvStorage before = own;
    if (before == null || tokens >= frozen) {
      return;
    }
    if (before.isShared()) {
      own = null;
      if (tokens > 0) {
        own = new KvStorage(config, type, before.capacity());
        own.copyFrom(before, 0, tokens, 0);
      }
      before.release();
    }
    frozen = 0;
  }

  /// Becomes a fork of another sequence: continues on its own after the same tokens.
  ///
  /// @throws IllegalArgumentException if the other is this one, of another kind, or longer than
  ///     this can hold
  public void forkFrom(KvCache other) {
    forkFrom(other, other.length);
  }

  /// Becomes a fork of the beginning of another sequence.
  ///
  /// @param tokens that both have in common, from 0 to the length of the other
  /// @throws IllegalArgumentException if the other is this one, of another kind or shorter, or the
  ///     tokens are more than this can hold
  public void forkFrom(KvCache other, int tokens) {
    requireBeginning(other, tokens);
    truncate(0);
    KvStorage otherOwn = other.own;
    if (tokens > 0 && other.shared != null) {
      shared = other.shared.retain();
      sharedLength = Math.min(tokens, other.sharedLength);
      int rest = tokens - sharedLength;
      if (otherOwn != null && rest > 0) {
        storage().copyFrom(otherOwn, 0, rest, 0);
      }
    } else if (tokens > 0 && otherOwn != null) {
      shared = otherOwn.retain();
      sharedLength = tokens;
      other.frozen = Math.max(other.frozen, tokens);
    }
    length = tokens;
  }

  /// Becomes a copy of the beginning of another sequence, with which it shares no memory, so that
  /// its own forks share all of it.
  ///
  /// @param tokens that are copied, from 0 to the length of the other
  /// @throws IllegalArgumentException as [#forkFrom(KvCache, int)]
  public void copyFrom(KvCache other, int tokens) {
    requireBeginning(other, tokens);
    truncate(0);
    int first = Math.min(tokens, other.sharedLength);
    if (other.shared != null && first > 0) {
      storage().copyFrom(other.shared, 0, first, 0);
    }
    if (other.own != null && tokens > first) {
      storage().copyFrom(other.own, 0, tokens - first, first);
    }
    length = tokens;
  }

  private void requireBeginning(KvCache other, int tokens) {
    if (other == this
        || other.type != type
        || !other.config.equals(config)
        || tokens < 0
        || tokens > other.length
        || tokens > capacity) {
      throw new IllegalArgumentException(
          "a cache of %d tokens cannot take over %d of the %d tokens of another; make it of the same"
                  .formatted(capacity, tokens, other.length)
              + " model and large enough");
    }
  }

  /// Where this sequence's own tokens are kept.
  ///
  /// @throws IllegalStateException if the sequence is closed
  private KvStorage storage() {
    if (closed) {
      throw new IllegalStateException("the sequence is closed");
    }
    int rows = capacity - sharedLength;
    KvStorage storage = own;
    if (storage != null && storage.capacity() < rows) { // of a fork that was reused, still empty
      storage = release(storage);
    }
    if (storage == null) {
      storage = new KvStorage(config, type, rows);
      own = storage;
    }
    return storage;
  }

  private static @Nullable KvStorage release(@Nullable KvStorage storage) {
    if (storage != null) {
      storage.release();
    }
    return null;
  }

  CacheType type() {
    return type;
  }

  /// One head's keys and values of the tokens that were taken over.
  ///
  /// @param positions of the sequence that are wanted
  CachedKeysValues shared(int layer, int head, int positions) {
    int count = Math.min(positions, sharedLength);
    return shared == null ? CachedKeysValues.NONE : shared.rows(layer, head, count);
  }

  /// One head's keys and values of the tokens that follow.
  ///
  /// @param positions of the sequence that are wanted
  CachedKeysValues own(int layer, int head, int positions) {
    int count = Math.max(0, positions - sharedLength);
    return own == null ? CachedKeysValues.NONE : own.rows(layer, head, count);
  }

  /// Makes memory for the tokens that follow; several threads may then [#put] at once.
  void prepare() {
    storage();
  }

  /// Remembers a token's keys and values.
  ///
  /// @param position at least the length
  /// @param key `[kvHeads, headDim]` floats
  /// @param value `[kvHeads, headDim]` floats
  void put(
      TernaryKernels kernels, int layer, int position, MemorySegment key, MemorySegment value) {
    KvStorage storage = storage();
    int row = position - sharedLength;
    long bytes = (long) config.headDim() * Float.BYTES;
    for (int head = 0; head < config.keyValueHeadCount(); head++) {
      store(kernels, key.asSlice(head * bytes, bytes), storage.key(layer, head, row));
      store(kernels, value.asSlice(head * bytes, bytes), storage.value(layer, head, row));
    }
  }

  private void store(TernaryKernels kernels, MemorySegment source, MemorySegment target) {
    switch (type) {
      case FP32 -> target.copyFrom(source);
      case FP16 -> kernels.toHalf(source, config.headDim(), target);
    }
  }

  void append(int tokens) {
    length += tokens;
  }

  /// Releases the memory; forks stay usable.
  @Override
  public void close() {
    closed = true;
    shared = release(shared);
    own = release(own);
  }
}
