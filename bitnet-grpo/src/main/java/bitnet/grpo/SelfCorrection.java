package bitnet.grpo;

import bitnet.data.QaTemplate;
import bitnet.generation.RandomStream;
import bitnet.generation.SamplingSettings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The second layer (MGRPO, arXiv 2506.04746): the same policy gets its first answers with a
/// guiding prompt, and answers again. [CorrectionAdvantage] says what it learns from.
final class SelfCorrection {
  private final RolloutSampler sampler;
  private final RolloutSource rollouts;
  private final CorrectionSettings settings;
  private final Verifier verifier;
  private final GrpoSettings.Rollout first;

  /// @param sampler knows what fits the context
  /// @param rollouts draws corrections and scores them
  /// @param first how first answers are sampled: corrections have their seed, and their penalty of
  ///     overlong completions
  SelfCorrection(
      RolloutSampler sampler,
      RolloutSource rollouts,
      CorrectionSettings settings,
      GrpoSettings.Rollout first) {
    this.sampler = sampler;
    this.rollouts = rollouts;
    this.settings = settings;
    this.verifier = settings.verifier().open();
    this.first = first;
  }

  /// Samples and scores corrections. The text of a first answer may have more tokens than were
  /// drawn for it, for example where these are no UTF-8: if the prompt then does not fit the
  /// model's context, the answer gets no corrections.
  ///
  /// @param answers groups of first answers, scored
  /// @param corrections of each first answer
  Corrections correct(
      List<Group> answers,
      int corrections,
      SamplingSettings drawing,
      long step,
      RolloutSampler.Purpose purpose,
      StepTimes times)
      throws IOException {
    RandomStream random = new RandomStream(first.sampling().seed(), -1 - step);
    List<RolloutRequest.Prompt> prompts = new ArrayList<>(); // those that fit
    List<Group> groups = new ArrayList<>(); // one for each first answer, without corrections
    List<Integer> corrected = new ArrayList<>(); // the group of each prompt
    for (Group group : answers) {
      for (Rollout answer : group.rollouts()) {
        String phrase = settings.guidance().choose(step, random, groups.size());
        String prompt = QaTemplate.correctionPrompt(group.query(), answer.text(), phrase);
        if (sampler.fits(prompt)) {
          prompts.add(new RolloutRequest.Prompt(prompt, group.query(), group.reference()));
          corrected.add(groups.size());
        }
        groups.add(new Group(group.query(), group.reference(), answer, List.of()));
      }
    }
    RolloutRequest request =
        new RolloutRequest(
            prompts,
            corrections,
            settings.maxLength(),
            drawing,
            RolloutSampler.Draw.of(step, purpose).firstSequence());
    List<List<Rollout>> sampled = times.count(rollouts.draw(request)).rollouts();
    for (int i = 0; i < sampled.size(); i++) {
      Group of = groups.get(corrected.get(i));
      groups.set(
          corrected.get(i), new Group(of.query(), of.reference(), of.corrected(), sampled.get(i)));
    }
    // the penalty is that of the first answers: a rise of the reward compares like with like
    return Corrections.of(first.overlong().applyTo(groups, settings.maxLength()), verifier);
  }

  /// The corrections with their advantages.
  ///
  /// @param scaling of advantages that are relative to a group
  /// @param maskTruncated whether truncated corrections are excluded from the loss
  static Corrections withAdvantages(
      Corrections corrections,
      CorrectionAdvantage advantage,
      GrpoSettings.AdvantageSettings scaling,
      boolean maskTruncated) {
    if (advantage == CorrectionAdvantage.GROUP) {
      return corrections.with(GroupAdvantages.of(corrections.groups(), scaling, maskTruncated));
    }
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < corrections.groups().size(); i++) {
      Group group = corrections.groups().get(i);
      boolean[] accepted = corrections.accepted().get(i);
      List<Rollout> rollouts = new ArrayList<>();
      for (int j = 0; j < accepted.length; j++) {
        Rollout rollout = group.rollouts().get(j);
        boolean learned =
            advantage == CorrectionAdvantage.SIGNED
                || (accepted[j] && rise(Corrections.first(group), rollout) > 0);
        rollouts.add(
            rollout.withAdvantages(
                new Rollout.Advantages(
                    learned
                        ? rises(Corrections.first(group), rollout)
                        : new double[rollout.length()],
                    !(maskTruncated && rollout.truncated()))));
      }
      groups.add(group.with(rollouts));
    }
    return corrections.with(groups);
  }

  private static double rise(Rollout first, Rollout second) {
    return second.scored().total() - first.scored().total();
  }

  /// The rise of the reward at each token: with a dense reward that of the steps still to come.
  private static double[] rises(Rollout first, Rollout second) {
    double before = first.scored().tokenScores()[0];
    return Arrays.stream(second.scored().tokenScores()).map(score -> score - before).toArray();
  }

  /// The corrections to learn from again: accepted, with a higher reward than their first answer,
  /// and not excluded from the loss. Their advantage is the rise.
  ///
  /// @param corrections with advantages
  static List<ReplayBuffer.Entry> successes(Corrections corrections, long step) {
    List<ReplayBuffer.Entry> entries = new ArrayList<>();
    corrections.forEach(
        (first, second, accepted) -> {
          if (accepted && rise(first, second) > 0 && second.learnable().counted()) {
            entries.add(
                ReplayBuffer.Entry.of(
                    second.withAdvantages(new Rollout.Advantages(rises(first, second), true)),
                    step));
          }
        });
    return entries;
  }
}
