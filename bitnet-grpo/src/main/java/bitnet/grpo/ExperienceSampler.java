package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.RecordSampler;
import bitnet.data.SamplerState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// The first two stages of a step: completions of training questions, scored.
///
/// @param questions to draw from
/// @param rollouts draws completions and scores them
/// @param settings of the run
record ExperienceSampler(
    RecordSampler<QaRecord> questions, RolloutSource rollouts, GrpoSettings settings) {

  /// Completions of a step.
  ///
  /// @param records that were asked
  /// @param groups of completions, one for each record
  /// @param batches of prompts that were sampled
  record Experience(List<QaRecord> records, List<Group> groups, int batches) {

    /// The part from the first batch of prompts.
    Experience firstBatch() {
      int size = records.size() / batches;
      return new Experience(records.subList(0, size), groups.subList(0, size), 1);
    }

    /// The groups with a spread of rewards; all if no group has one.
    List<Group> informative() {
      List<Group> some = groups.stream().filter(Group::isInformative).toList();
      return some.isEmpty() ? groups : some;
    }
  }

  /// Samples batches of prompts until enough groups are informative, but not more than allowed.
  ///
  /// @param position among the questions
  /// @param step of the run
  Experience sample(SamplerState position, long step, StepTimes times) throws IOException {
    GrpoSettings.DynamicSampling dynamic = settings.rollouts().dynamic();
    List<QaRecord> records = new ArrayList<>();
    List<Group> groups = new ArrayList<>();
    int batches = 0;
    long informative = 0;
    do {
      List<QaRecord> batch =
          questions.batch(position.after(batches * settings.rollouts().prompts()));
      List<Group> some =
          answer(
              batch,
              new RolloutSampler.Draw(
                  step,
                  RolloutSampler.Purpose.FIRST,
                  (long) records.size() * settings.rollouts().groupSize()),
              times);
      records.addAll(batch);
      groups.addAll(some);
      informative += some.stream().filter(Group::isInformative).count();
      batches++;
    } while (informative < dynamic.minGroups() && batches < dynamic.maxBatches());
    return new Experience(records, groups, batches);
  }

  /// Completions of given questions.
  List<Group> answer(List<QaRecord> records, RolloutSampler.Draw draw, StepTimes times)
      throws IOException {
    int maxLength = settings.rollouts().maxLength();
    RolloutRequest request =
        RolloutRequest.of(
            records, settings.rollouts().groupSize(), maxLength, settings.sampling(), draw);
    List<Group> groups = times.count(rollouts.draw(request)).groups(records);
    return settings.rollouts().overlong().applyTo(groups, maxLength);
  }
}
