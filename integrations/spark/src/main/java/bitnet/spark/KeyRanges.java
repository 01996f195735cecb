package bitnet.spark;

import bitnet.corpus.DocumentKeys;
import org.apache.spark.Partitioner;
import org.jspecify.annotations.Nullable;

/// Sends documents that follow each other in the shards to the same task.
final class KeyRanges extends Partitioner {
  private static final long serialVersionUID = 1;

  private final DocumentKeys keys;
  private final int ranges;

  KeyRanges(DocumentKeys keys, int ranges) {
    this.keys = keys;
    this.ranges = ranges;
  }

  @Override
  public int numPartitions() {
    return ranges;
  }

  @Override
  public int getPartition(Object key) {
    return keys.range((byte[]) key, ranges);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof KeyRanges same && keys.equals(same.keys) && ranges == same.ranges;
  }

  @Override
  public int hashCode() {
    return keys.hashCode() + ranges;
  }
}
