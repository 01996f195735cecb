package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.RecordSampler;
import bitnet.data.SamplerState;
import bitnet.generation.SamplingSettings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// How good a policy is before GRPO, on training questions. GRPO learns from completions of one
/// prompt of which some are right and some are not: from a policy that is rarely right when it
/// samples, a step learns the noise of its own batch.
///
/// @param sampled share of right answers, sampled as in training
/// @param greedy share of right answers with greedy decoding
/// @param uniform share of the groups whose completions all have the same reward
record StartJudgement(double sampled, double greedy, double uniform) {
  private static final double LEAST_SAMPLED = 0.2;
  private static final double LEAST_RATIO = 0.5;
  private static final double MOST_UNIFORM = 0.4;
  private static final int MOST_GREEDY = 256;

  /// Answers the first questions of a run; its own random numbers stay as they are.
  static StartJudgement of(
      ExperienceSampler experience, SamplerState position, GrpoSettings settings)
      throws IOException {
    int groups =
        Math.ceilDiv(settings.evaluation().startAnswers(), settings.rollouts().groupSize());
    List<QaRecord> all = experience.questions().records();
    List<QaRecord> records = new RecordSampler<>(all, groups).batch(position);
    RolloutSampler.Draw draw = RolloutSampler.Draw.of(-1, RolloutSampler.Purpose.EVALUATION);
    List<Group> sampled = experience.answer(records, draw, new StepTimes());
    List<QaRecord> more =
        new RecordSampler<>(all, Math.min(MOST_GREEDY, all.size())).batch(position);
    int maxLength = settings.rollouts().maxLength();
    List<Group> greedy =
        experience
            .rollouts()
            .draw(RolloutRequest.of(more, 1, maxLength, SamplingSettings.GREEDY, draw))
            .groups(more);
    return new StartJudgement(
        GrpoMetrics.accuracy(GrpoMetrics.rollouts(sampled)),
        GrpoMetrics.accuracy(GrpoMetrics.rollouts(greedy)),
        (double) sampled.stream().filter(group -> !group.isInformative()).count() / sampled.size());
  }

  /// What to say before the first step: the figures, and what speaks against this start.
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "start: %.1f%% right when sampled, %.1f%% with greedy decoding, %.0f%% of the groups"
                + " without a spread of rewards",
            100 * sampled,
            100 * greedy,
            100 * uniform));
    if (sampled < LEAST_SAMPLED) {
      lines.add(
          "warning: the policy is seldom right when it samples, and steps will learn mostly noise:"
              + " train longer with train-ce first, with a learning rate that falls to 0; or use"
              + " --lr 1e-5 and --batch_size 64");
    } else if (sampled < LEAST_RATIO * greedy) {
      lines.add(
          "warning: the policy is right less than half as often when it samples as with greedy"
              + " decoding, and GRPO may raise the first and lower the second: judge the run by"
              + " eval_sampled, or train longer with train-ce first, with a learning rate that"
              + " falls to 0");
    } else if (uniform > MOST_UNIFORM) {
      lines.add(
          "warning: many groups have nothing to compare: use --min_informative_groups, a larger"
              + " --group_size, or other questions");
    }
    return lines;
  }
}
