package bitnet.spark;

import java.util.Arrays;
import org.apache.spark.Partitioner;
import org.jspecify.annotations.Nullable;

/// Sends keys that begin with the same bytes to the same task.
final class KeyGroups extends Partitioner {
  private static final long serialVersionUID = 1;

  private final int prefixBytes;
  private final int groups;

  KeyGroups(int prefixBytes, int groups) {
    this.prefixBytes = prefixBytes;
    this.groups = groups;
  }

  @Override
  public int numPartitions() {
    return groups;
  }

  @Override
  public int getPartition(Object key) {
    long hash = KeyOrder.hash(Arrays.copyOf((byte[]) key, prefixBytes));
    return (int) Math.unsignedMultiplyHigh(hash, groups);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof KeyGroups same
        && prefixBytes == same.prefixBytes
        && groups == same.groups;
  }

  @Override
  public int hashCode() {
    return 31 * prefixBytes + groups;
  }
}
