package bitnet.grpo;

import bitnet.generation.RandomStream;
import java.io.IOException;
import java.util.List;
import java.util.SequencedMap;

/// The second layer of a step: corrections of its first answers, and an update from these and from
/// corrections of earlier steps.
///
/// @param correction samples corrections
/// @param optimizer learns from them
/// @param settings of the run, with a second layer
record SecondLayer(SelfCorrection correction, PolicyOptimizer optimizer, GrpoSettings settings) {

  /// What the layer did.
  ///
  /// @param corrections with advantages
  /// @param outcome of the update
  /// @param state with the guard, the tokens and the buffer after it
  record Result(Corrections corrections, PolicyOptimizer.Outcome outcome, GrpoState state) {}

  /// Corrects and learns.
  ///
  /// @param first groups of first answers, scored
  /// @param rate learning rate
  /// @param row receives the metrics
  Result advance(
      List<Group> first,
      GrpoState state,
      double rate,
      SequencedMap<String, Double> row,
      StepTimes times)
      throws IOException {
    CorrectionSettings how = settings.correction().orElseThrow();
    Corrections corrections =
        SelfCorrection.withAdvantages(
            correction.correct(
                first,
                how.corrections(),
                settings.sampling(),
                state.step(),
                RolloutSampler.Purpose.CORRECTION,
                times),
            how.advantage(),
            settings.advantages(),
            settings.update().maskTruncated());
    ReplayBuffer buffer =
        how.replay().maxAge() > 0
            ? state.buffer().since(state.step() - how.replay().maxAge())
            : state.buffer();
    List<ReplayBuffer.Entry> replayed =
        buffer.draw(
            how.replay().size(), new RandomStream(~settings.sampling().seed(), state.step()));
    PolicyOptimizer.Outcome outcome =
        optimizer.update(
            UpdateBatch.of(
                corrections.groups(),
                settings.update().prompts(settings.rollouts()) * settings.rollouts().groupSize(),
                replayed.stream().map(ReplayBuffer.Entry::rollout).toList()),
            rate,
            state.step(),
            state.guard(),
            times);
    outcome.put(row, GrpoMetrics.SECOND);
    GrpoMetrics.putCorrections(row, corrections, how.corrections());
    if (!replayed.isEmpty()) {
      row.put("replay_age", ReplayBuffer.meanAge(replayed, state.step()));
    }
    buffer =
        buffer.with(SelfCorrection.successes(corrections, state.step()), how.replay().bufferSize());
    row.put("buffer_size", (double) buffer.entries().size());
    return new Result(
        corrections,
        outcome,
        state.with(outcome.guard()).withTokens(corrections.tokens()).with(buffer));
  }
}
