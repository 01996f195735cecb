package bitnet.data;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// How many records have which length, in tokens with what separates them. Memory grows with the
/// number of different lengths, not of records.
public final class RecordLengths {
  private final TreeMap<Long, Long> counts = new TreeMap<>();
  private long records;

  RecordLengths() {}

  void add(long length) {
    counts.merge(length, 1L, Long::sum);
    records++;
  }

  /// The number of records longer than that many tokens.
  public long longerThan(long tokens) {
    return counts.tailMap(tokens, false).values().stream().mapToLong(Long::longValue).sum();
  }

  /// The smallest length that at least this share of the records does not exceed.
  ///
  /// @param share from 0 (the shortest) to 1 (the longest)
  /// @throws IllegalStateException if there are no records
  public long quantile(double share) {
    long below = 0;
    for (Map.Entry<Long, Long> entry : counts.entrySet()) {
      below += entry.getValue();
      if (below >= share * records) {
        return entry.getKey();
      }
    }
    throw new IllegalStateException("there are no records");
  }

  /// One line for people.
  ///
  /// @param limit the length of a training sequence, in tokens
  public String summary(int limit) {
    return String.format(
        Locale.ROOT,
        "%,d to %,d tokens, median %,d, 99%% of at most %,d; %,d longer than %,d",
        quantile(0),
        quantile(1),
        quantile(0.5),
        quantile(0.99),
        longerThan(limit),
        limit);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RecordLengths lengths && counts.equals(lengths.counts);
  }

  @Override
  public int hashCode() {
    return counts.hashCode();
  }

  @Override
  public String toString() {
    return counts.toString();
  }
}
