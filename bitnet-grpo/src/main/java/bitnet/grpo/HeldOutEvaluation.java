package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import bitnet.generation.SamplingSettings;
import bitnet.reward.WeightedReward;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// How a policy answers questions that it does not learn from, taking the most probable token each
/// time.
final class HeldOutEvaluation {
  private final List<QaRecord> questions;
  private final Rollouts rollouts;
  private final WeightedReward rewards;
  private final @Nullable SelfCorrection correction;
  private final int maxLength;

  /// @param correction judges corrections too, unless it is null
  HeldOutEvaluation(
      List<QaRecord> questions,
      Rollouts rollouts,
      WeightedReward rewards,
      @Nullable SelfCorrection correction,
      int maxLength) {
    this.questions = List.copyOf(questions);
    this.rollouts = rollouts;
    this.rewards = rewards;
    this.correction = correction;
    this.maxLength = maxLength;
  }

  /// The columns of the log; empty where there are no questions.
  SequencedMap<String, Double> evaluate() {
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    if (questions.isEmpty()) {
      return row;
    }
    List<String> prompts =
        questions.stream().map(record -> QaTemplate.prompt(record.query())).toList();
    List<Sample> samples =
        Rollouts.flat(
            rollouts.draw(
                prompts, 1, maxLength, SamplingSettings.GREEDY, 0, Rollouts.Purpose.EVALUATION));
    Judged first = Judged.of(questions, samples, rewards, rollouts);
    row.put(GrpoMetrics.EVAL + "accuracy", first.accuracy());
    row.put(GrpoMetrics.EVAL + "reward", GroupAdvantages.mean(first.rewards()));
    if (correction != null) {
      correction
          .correct(
              first, 1, SamplingSettings.GREEDY, 0, Rollouts.Purpose.EVALUATION, new StepTimes())
          .put(row, GrpoMetrics.EVAL);
    }
    return row;
  }
}
