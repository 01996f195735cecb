package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import bitnet.generation.RandomStream;
import bitnet.generation.SamplingSettings;
import bitnet.reward.WeightedReward;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SequencedMap;

/// The second layer (MGRPO, arXiv 2506.04746): the same policy is shown its first answers with a
/// phrase that asks for a check, and answers again. A correction's advantage is by how much its
/// reward is above that of the first answer.
final class SelfCorrection {
  private final Rollouts rollouts;
  private final WeightedReward rewards;
  private final CorrectionSettings settings;
  private final Verifier verifier;
  private final SamplingSettings sampling;

  SelfCorrection(
      Rollouts rollouts,
      WeightedReward rewards,
      CorrectionSettings settings,
      SamplingSettings sampling) {
    this.rollouts = rollouts;
    this.rewards = rewards;
    this.settings = settings;
    this.verifier = settings.verifier().open();
    this.sampling = sampling;
  }

  /// Corrections beside the answers that they correct.
  ///
  /// @param first the first answers, each as often as it was corrected
  /// @param second the corrections
  /// @param accepted which of these count
  record Pairs(Judged first, Judged second, boolean[] accepted) {

    double rise(int i) {
      return second.reward(i) - first.reward(i);
    }

    /// Adds accuracy before and after, and what changed.
    void put(SequencedMap<String, Double> row, String prefix) {
      long incorrectToCorrect = 0;
      long correctToIncorrect = 0;
      for (int i = 0; i < first.size(); i++) {
        incorrectToCorrect += !first.isRight(i) && second.isRight(i) ? 1 : 0;
        correctToIncorrect += first.isRight(i) && !second.isRight(i) ? 1 : 0;
      }
      row.put(prefix + "t1", first.accuracy());
      row.put(prefix + "t2", second.accuracy());
      row.put(prefix + "delta_t1_t2", second.accuracy() - first.accuracy());
      row.put(prefix + "incorrect_to_correct", first.share(incorrectToCorrect));
      row.put(prefix + "correct_to_incorrect", first.share(correctToIncorrect));
    }
  }

  /// Draws and judges corrections.
  ///
  /// @param corrections of each first answer
  Pairs correct(
      Judged first,
      int corrections,
      SamplingSettings drawing,
      long step,
      Rollouts.Purpose purpose,
      StepTimes times) {
    RandomStream random = new RandomStream(sampling.seed(), -1 - step);
    List<String> prompts = new ArrayList<>();
    for (int i = 0; i < first.size(); i++) {
      prompts.add(
          QaTemplate.correctionPrompt(
              first.queries().get(i).query(),
              first.samples().get(i).text(),
              settings.guidance().choose(step, random, i)));
    }
    List<Sample> samples =
        times.time(
            StepTimes.Part.GENERATION,
            () ->
                Rollouts.flat(
                    rollouts.draw(
                        prompts, corrections, settings.maxLength(), drawing, step, purpose)));
    List<QaRecord> queries = Rollouts.repeated(first.queries(), corrections);
    Judged second =
        times.time(StepTimes.Part.REWARD, () -> Judged.of(queries, samples, rewards, rollouts));
    Judged before =
        new Judged(
            queries,
            Rollouts.repeated(first.samples(), corrections),
            Rollouts.repeated(first.judgements(), corrections));
    boolean[] accepted = new boolean[second.size()];
    for (int i = 0; i < accepted.length; i++) {
      accepted[i] =
          verifier.accepts(
              new Verifier.Correction(
                  queries.get(i).query(),
                  queries.get(i).answer(),
                  before.samples().get(i).text(),
                  samples.get(i).text(),
                  before.reward(i),
                  second.reward(i)));
    }
    return new Pairs(before, second, accepted);
  }

  /// The corrections as lessons.
  static List<PolicyOptimizer.Lesson> lessons(Pairs pairs, boolean maskTruncated) {
    List<PolicyOptimizer.Lesson> lessons = new ArrayList<>();
    for (int i = 0; i < pairs.second().size(); i++) {
      Sample sample = pairs.second().samples().get(i);
      double[] rise = pairs.second().judgements().get(i).tokenScores().clone();
      double before = pairs.first().judgements().get(i).tokenScores()[0];
      Arrays.setAll(rise, t -> rise[t] - before);
      lessons.add(
          new PolicyOptimizer.Lesson(
              sample.tokens(),
              sample.oldLogProbabilities(),
              rise,
              !(maskTruncated && sample.truncated())));
    }
    return lessons;
  }

  /// Corrections of earlier steps as lessons.
  static List<PolicyOptimizer.Lesson> lessons(List<ReplayBuffer.Entry> entries) {
    return entries.stream()
        .map(
            entry -> {
              double[] advantages = new double[entry.oldLogProbabilities().length];
              Arrays.fill(advantages, entry.advantage());
              return new PolicyOptimizer.Lesson(
                  entry.text(), entry.oldLogProbabilities(), advantages, true);
            })
        .toList();
  }

  /// The corrections that count and were better than what they correct.
  static List<ReplayBuffer.Entry> successes(Pairs pairs) {
    List<ReplayBuffer.Entry> entries = new ArrayList<>();
    for (int i = 0; i < pairs.second().size(); i++) {
      if (pairs.accepted()[i] && pairs.rise(i) > 0) {
        Sample sample = pairs.second().samples().get(i);
        entries.add(
            new ReplayBuffer.Entry(
                sample.tokens().prompt(),
                sample.tokens().response(),
                sample.oldLogProbabilities(),
                pairs.rise(i)));
      }
    }
    return entries;
  }
}
