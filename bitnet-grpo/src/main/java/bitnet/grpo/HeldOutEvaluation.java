package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.generation.SamplingSettings;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Answers held-out questions: once with greedy decoding, and several times sampled as in training.
final class HeldOutEvaluation {
  private final List<QaRecord> questions;
  private final RolloutSource rollouts;
  private final @Nullable SelfCorrection correction;
  private final GrpoSettings settings;

  /// @param correction also evaluates corrections; null with one layer
  HeldOutEvaluation(
      List<QaRecord> questions,
      RolloutSource rollouts,
      @Nullable SelfCorrection correction,
      GrpoSettings settings) {
    this.questions = List.copyOf(questions);
    this.rollouts = rollouts;
    this.correction = correction;
    this.settings = settings;
  }

  /// An evaluation.
  ///
  /// @param shares of right answers to each question: of the sampled ones, or without them of the
  ///     greedy one; empty without questions
  /// @param row the columns of the log; empty without questions
  record Result(double[] shares, SequencedMap<String, Double> row) {}

  /// Answers the questions.
  Result evaluate() throws IOException {
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    if (questions.isEmpty()) {
      return new Result(new double[0], row);
    }
    List<Group> greedy = answer(1, SamplingSettings.GREEDY);
    List<Rollout> answers = GrpoMetrics.rollouts(greedy);
    row.put(GrpoMetrics.EVAL + "accuracy", GrpoMetrics.accuracy(answers));
    row.put(GrpoMetrics.EVAL + "reward", GroupAdvantages.mean(GrpoMetrics.rewards(answers)));
    double[] shares = shares(greedy);
    int samples = settings.evaluation().samples();
    if (samples > 0) {
      // the same random numbers each time: differences are those of the policies
      shares = shares(answer(samples, settings.sampling()));
      row.put(GrpoMetrics.EVAL + "sampled", GroupAdvantages.mean(shares));
      row.put(
          GrpoMetrics.EVAL + "sampled_se",
          GroupAdvantages.deviation(shares) / Math.sqrt(shares.length));
    }
    if (correction != null) {
      correction
          .correct(
              greedy,
              1,
              SamplingSettings.GREEDY,
              0,
              RolloutSampler.Purpose.EVALUATION,
              new StepTimes())
          .put(row, GrpoMetrics.EVAL);
    }
    return new Result(shares, row);
  }

  private List<Group> answer(int samples, SamplingSettings sampling) throws IOException {
    int maxLength = settings.rollouts().maxLength();
    RolloutSampler.Draw draw = RolloutSampler.Draw.of(0, RolloutSampler.Purpose.EVALUATION);
    return rollouts
        .draw(RolloutRequest.of(questions, samples, maxLength, sampling, draw))
        .groups(questions);
  }

  private static double[] shares(List<Group> groups) {
    return groups.stream().mapToDouble(group -> GrpoMetrics.accuracy(group.rollouts())).toArray();
  }
}
