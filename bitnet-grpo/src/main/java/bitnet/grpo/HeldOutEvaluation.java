package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.generation.SamplingSettings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Answers held-out questions with greedy decoding.
final class HeldOutEvaluation {
  private final List<QaRecord> questions;
  private final RolloutSampler rollouts;
  private final RewardStage rewards;
  private final @Nullable SelfCorrection correction;
  private final int maxLength;

  /// @param correction also evaluates corrections; null with one layer
  HeldOutEvaluation(
      List<QaRecord> questions,
      RolloutSampler rollouts,
      RewardStage rewards,
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
    List<Group> first =
        rewards.score(
            rollouts.sampleGroups(
                questions,
                1,
                maxLength,
                SamplingSettings.GREEDY,
                0,
                RolloutSampler.Purpose.EVALUATION));
    List<Rollout> answers = GrpoMetrics.rollouts(first);
    row.put(GrpoMetrics.EVAL + "accuracy", GrpoMetrics.accuracy(answers));
    row.put(GrpoMetrics.EVAL + "reward", GroupAdvantages.mean(GrpoMetrics.rewards(answers)));
    if (correction != null) {
      correction
          .correct(
              first,
              1,
              SamplingSettings.GREEDY,
              0,
              RolloutSampler.Purpose.EVALUATION,
              new StepTimes())
          .put(row, GrpoMetrics.EVAL);
    }
    return row;
  }
}
