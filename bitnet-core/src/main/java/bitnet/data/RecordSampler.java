package bitnet.data;

import java.util.ArrayList;
import java.util.List;

/// Draws batches of records: every record once per epoch, reshuffled for each. It has no state: a
/// run resumed from its [SamplerState] draws the same batches as an uninterrupted one.
///
/// @param records at least one
/// @param batchSize records of a batch, at least 1
/// @param <R> a record
public record RecordSampler<R>(List<R> records, int batchSize) {

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public RecordSampler {
    records = List.copyOf(records);
    if (records.isEmpty()) {
      throw new IllegalArgumentException("no training records; give at least one");
    }
    if (batchSize < 1) {
      throw new IllegalArgumentException("batch_size %d must be at least 1".formatted(batchSize));
    }
  }

  /// The batch of a state; the state after it is `state.after(batchSize)`.
  public List<R> batch(SamplerState state) {
    List<R> batch = new ArrayList<>();
    long size = records.size();
    for (int i = 0; i < batchSize; i++) {
      long draw = state.drawn() + i;
      long key = CounterRandom.value(state.seed(), draw / size);
      batch.add(records.get((int) CounterRandom.permuted(draw % size, size, key)));
    }
    return batch;
  }

  /// The number of batches in `epochs` epochs, rounded up: the last one may begin another epoch.
  public long batches(int epochs) {
    return Math.ceilDiv((long) records.size() * epochs, batchSize);
  }
}
