package bitnet.data;

import java.util.ArrayList;
import java.util.List;

/// Draws questions: each once an epoch, in an order that is shuffled anew for each. It has no
/// state: a run that is resumed from its [SamplerState] sees what it would have seen.
///
/// @param records at least one
public record QaSampler(List<QaRecord> records) {

  /// Copies the list.
  ///
  /// @throws IllegalArgumentException if it is empty
  public QaSampler {
    records = List.copyOf(records);
    if (records.isEmpty()) {
      throw new IllegalArgumentException("there are no questions to draw from; give at least one");
    }
  }

  /// The questions that are next in this state; the state after them is `state.after(count)`.
  public List<QaRecord> next(SamplerState state, int count) {
    List<QaRecord> drawn = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long draw = state.drawn() + i;
      long key = CounterRandom.value(state.seed(), draw / records.size());
      drawn.add(
          records.get((int) CounterRandom.permuted(draw % records.size(), records.size(), key)));
    }
    return drawn;
  }
}
