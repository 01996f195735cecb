package bitnet.grpo;

import bitnet.data.QaTemplate;
import bitnet.generation.RandomStream;
import bitnet.generation.SamplingSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The second layer (MGRPO, arXiv 2506.04746): the same policy gets its first answers with a
/// guiding prompt, and answers again. The advantage of a correction is the difference of its reward
/// to that of the first answer.
final class SelfCorrection {
  private final RolloutSampler rollouts;
  private final RewardStage rewards;
  private final CorrectionSettings settings;
  private final Verifier verifier;
  private final SamplingSettings sampling;

  SelfCorrection(
      RolloutSampler rollouts,
      RewardStage rewards,
      CorrectionSettings settings,
      SamplingSettings sampling) {
    this.rollouts = rollouts;
    this.rewards = rewards;
    this.settings = settings;
    this.verifier = settings.verifier().open();
    this.sampling = sampling;
  }

  /// Samples and scores corrections.
  ///
  /// @param first groups of first answers, scored
  /// @param corrections of each first answer
  Corrections correct(
      List<Group> first,
      int corrections,
      SamplingSettings drawing,
      long step,
      RolloutSampler.Purpose purpose,
      StepTimes times) {
    RandomStream random = new RandomStream(sampling.seed(), -1 - step);
    List<String> prompts = new ArrayList<>();
    List<Group> empty = new ArrayList<>(); // of each first answer
    for (Group group : first) {
      for (Rollout answer : group.rollouts()) {
        prompts.add(
            QaTemplate.correctionPrompt(
                group.query(),
                answer.text(),
                settings.guidance().choose(step, random, prompts.size())));
        empty.add(new Group(group.query(), group.reference(), answer, List.of()));
      }
    }
    List<List<Rollout>> sampled =
        times.time(
            StepTimes.Part.GENERATION,
            () ->
                rollouts.sample(
                    prompts, corrections, settings.maxLength(), drawing, step, purpose));
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < sampled.size(); i++) {
      Group of = empty.get(i);
      groups.add(new Group(of.query(), of.reference(), of.corrected(), sampled.get(i)));
    }
    return Corrections.of(times.time(StepTimes.Part.REWARD, () -> rewards.score(groups)), verifier);
  }

  /// The corrections with their advantages: the rise of the reward over the first answer.
  static List<Rollout> advantages(Corrections corrections, boolean maskTruncated) {
    List<Rollout> rollouts = new ArrayList<>();
    for (Group group : corrections.groups()) {
      double before = Corrections.first(group).scored().tokenScores()[0];
      for (Rollout rollout : group.rollouts()) {
        double[] rise =
            Arrays.stream(rollout.scored().tokenScores()).map(score -> score - before).toArray();
        rollouts.add(
            rollout.withAdvantages(
                new Rollout.Advantages(rise, !(maskTruncated && rollout.truncated()))));
      }
    }
    return rollouts;
  }

  /// The accepted corrections with a higher reward than their first answer, to learn from again.
  static List<ReplayBuffer.Entry> successes(Corrections corrections) {
    List<ReplayBuffer.Entry> entries = new ArrayList<>();
    corrections.forEach(
        (first, second, accepted) -> {
          double rise = second.scored().total() - first.scored().total();
          if (accepted && rise > 0) {
            entries.add(ReplayBuffer.Entry.of(second, rise));
          }
        });
    return entries;
  }
}
