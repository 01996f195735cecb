package bitnet.data;

import java.util.Arrays;

/// Where records begin in a stream that is being written.
final class RecordStarts {
  private long[] starts = new long[1 << 10]; // the first is 0
  private int records;

  /// Ends the current record; the next one begins there.
  ///
  /// @throws IllegalArgumentException if there are more records than an array holds
  void end(long position) {
    if (records + 2 > starts.length) {
      if (starts.length > Integer.MAX_VALUE / 2) {
        throw new IllegalArgumentException(
            "more than %,d examples do not fit packing records; use `packing` stream"
                .formatted(records));
      }
      starts = Arrays.copyOf(starts, 2 * starts.length);
    }
    starts[++records] = position;
  }

  /// The positions of all first tokens, and the end of the last record.
  long[] toArray() {
    return Arrays.copyOf(starts, records + 1);
  }
}
