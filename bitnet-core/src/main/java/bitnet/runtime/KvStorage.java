package bitnet.runtime;

import bitnet.kernel.CacheType;
import bitnet.kernel.CachedKeysValues;
import bitnet.model.LlamaConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Memory for keys and values, `[layer, kvHead, capacity, headDim]`, of a sequence and those that
/// were forked from it: the last of them that lets go of it gives it back.
final class KvStorage {
  private final Arena arena = Arena.ofShared();
  private final CacheType type;
  private final int layers;
  private final int keyValueHeads;
  private final int headDim;
  private final int capacity;
  private final MemorySegment keys;
  private final MemorySegment values;
  private int users = 1;

  KvStorage(LlamaConfig config, CacheType type, int capacity) {
    this.type = type;
    this.layers = config.layerCount();
    this.keyValueHeads = config.keyValueHeadCount();
    this.headDim = config.headDim();
    this.capacity = capacity;
    long bytes = KvCache.bytes(config, type, capacity) / 2;
    this.keys = arena.allocate(bytes, 64);
    this.values = arena.allocate(bytes, 64);
  }

  int capacity() {
    return capacity;
  }

  boolean isShared() {
    return users > 1;
  }

  /// Counts another sequence that reads it.
  KvStorage retain() {
    users++;
    return this;
  }

  /// Gives the memory back, unless another sequence reads it.
  void release() {
    if (--users == 0) {
      arena.close();
    }
  }

  /// The first rows of one head.
  CachedKeysValues rows(int layer, int head, int count) {
    long start = start(layer, head);
    long bytes = (long) capacity * headDim * type.bytes();
    return new CachedKeysValues(keys.asSlice(start, bytes), values.asSlice(start, bytes), count);
  }

  /// A head's keys at a position, `[headDim]`.
  MemorySegment key(int layer, int head, int row) {
    return row(keys, layer, head, row);
  }

  /// A head's values at a position, `[headDim]`.
  MemorySegment value(int layer, int head, int row) {
    return row(values, layer, head, row);
  }

  private MemorySegment row(MemorySegment all, int layer, int head, int row) {
    long bytes = (long) headDim * type.bytes();
    return all.asSlice(start(layer, head) + row * bytes, bytes);
  }

  /// Copies rows of another of the same model.
  ///
  /// @param row first one to copy, of those of the other
  /// @param target where the first one goes
  void copyFrom(KvStorage other, int row, int rows, int target) {
    long rowBytes = (long) headDim * type.bytes();
    for (int layer = 0; layer < layers; layer++) {
      for (int head = 0; head < keyValueHeads; head++) {
        long from = other.start(layer, head) + row * rowBytes;
        long to = start(layer, head) + target * rowBytes;
        MemorySegment.copy(other.keys, from, keys, to, rows * rowBytes);
        MemorySegment.copy(other.values, from, values, to, rows * rowBytes);
      }
    }
  }

  /// Memory, in bytes.
  long bytes() {
    return keys.byteSize() + values.byteSize();
  }

  private long start(int layer, int head) {
    return ((long) layer * keyValueHeads + head) * capacity * headDim * type.bytes();
  }
}
