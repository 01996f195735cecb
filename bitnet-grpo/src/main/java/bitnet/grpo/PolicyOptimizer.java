package bitnet.grpo;

import bitnet.graph.LlamaModel;
import bitnet.training.OptimizerStep;
import bitnet.training.PromptedText;
import bitnet.training.SpikeGuard;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Teaches the policy: both layers learn through it.
final class PolicyOptimizer {

  /// Every finite loss passes: it is near 0 by construction and says little.
  private static final SpikeGuard GUARD = new SpikeGuard(2, Double.POSITIVE_INFINITY, 10);

  private final LlamaModel model;
  private final OptimizerStep optimizer;
  private final PolicyUpdate update;
  private final Rollouts rollouts;
  private final @Nullable ReferencePolicy reference;
  private final GrpoSettings settings;

  /// @param reference null where the loss has no penalty
  PolicyOptimizer(
      LlamaModel model,
      OptimizerStep optimizer,
      Rollouts rollouts,
      @Nullable ReferencePolicy reference,
      GrpoSettings settings,
      int maxLength) {
    this.model = model;
    this.optimizer = optimizer;
    this.rollouts = rollouts;
    this.reference = reference;
    this.settings = settings;
    this.update =
        new PolicyUpdate(
            model,
            optimizer,
            settings.loss().withMaxLength(maxLength),
            settings.update().keep(),
            settings.update().passTokens());
  }

  /// An answer to learn from.
  ///
  /// @param text with its prompt
  /// @param oldLogProbabilities by the policy that drew it
  /// @param advantages of its tokens
  /// @param counted whether it takes part in the loss
  record Lesson(
      PromptedText text, double[] oldLogProbabilities, double[] advantages, boolean counted) {}

  /// What learning was like: means over the updates.
  ///
  /// @param guard what the guard remembers afterwards
  /// @param skipped why an update was left out, if one was
  /// @param stopped whether the run cannot go on
  /// @param learned whether there was anything to learn
  /// @param mismatch |log-probability by the graph - by the sampler|, mean over the tokens that
  ///     were computed, before the first update
  record Outcome(
      SpikeGuard.State guard,
      List<String> skipped,
      boolean stopped,
      boolean learned,
      double loss,
      double kl,
      double clippedLow,
      double clippedHigh,
      double entropy,
      double mismatch,
      double gradNorm) {

    /// Adds the columns of the log.
    void put(SequencedMap<String, Double> row, String prefix) {
      if (!learned) {
        return;
      }
      row.put(prefix + "loss", loss);
      row.put(prefix + "grad_norm", gradNorm);
      row.put(prefix + "kl", kl);
      row.put(prefix + "entropy", entropy);
      row.put(prefix + "clip_ratio", clippedLow + clippedHigh);
      row.put(prefix + "clip_ratio_low", clippedLow);
      row.put(prefix + "clip_ratio_high", clippedHigh);
      row.put(prefix + "logp_mismatch", mismatch);
    }
  }

  /// Learns, and hands the new weights to the rollouts.
  ///
  /// @param step of the schedule
  Outcome learn(List<Lesson> lessons, long step, SpikeGuard.State guard, StepTimes times)
      throws IOException {
    List<PromptedText> texts = lessons.stream().map(Lesson::text).toList();
    List<JudgedTokens> answers = judged(lessons, texts, times);
    List<PolicyUpdate.Result> updates = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    SpikeGuard.State state = guard;
    boolean stopped = false;
    boolean changed = false;
    for (int i = 0; i < settings.update().iterations() && !stopped; i++) {
      PolicyUpdate.Result result = update.accumulate(texts, answers);
      times.add(StepTimes.Part.FORWARD, result.forwardSeconds());
      times.add(StepTimes.Part.BACKWARD, result.backwardSeconds());
      if (!result.learned()) {
        break;
      }
      updates.add(result);
      SpikeGuard.Verdict verdict = GUARD.judge(state, result.loss().loss(), result.gradNorm());
      state = verdict.next();
      if (verdict.action() == SpikeGuard.Action.ACCEPT) {
        times.time(StepTimes.Part.OPTIMIZER, () -> apply(step, result.gradNorm()));
        changed = true;
      } else {
        optimizer.skip();
        skipped.add(verdict.reason());
        stopped = verdict.action() == SpikeGuard.Action.STOP;
      }
    }
    if (changed) {
      times.time(StepTimes.Part.REPACK, this::repack);
    }
    return outcome(updates, state, skipped, stopped);
  }

  private List<JudgedTokens> judged(
      List<Lesson> lessons, List<PromptedText> texts, StepTimes times) {
    double[][] compared =
        reference == null
            ? new double[texts.size()][0]
            : times.time(StepTimes.Part.REFERENCE, () -> reference.logProbabilities(texts));
    List<JudgedTokens> answers = new ArrayList<>();
    for (int i = 0; i < lessons.size(); i++) {
      Lesson lesson = lessons.get(i);
      answers.add(
          new JudgedTokens(
              lesson.oldLogProbabilities(), compared[i], lesson.advantages(), lesson.counted()));
    }
    return answers;
  }

  private boolean apply(long step, double gradNorm) {
    optimizer.apply(
        settings.schedule().learningRate(step),
        settings.schedule().weightDecay(step),
        gradNorm,
        settings.optimizer().maxGradNorm());
    model.ternarize();
    return true;
  }

  private boolean repack() throws IOException {
    rollouts.repack(model);
    return true;
  }

  private static Outcome outcome(
      List<PolicyUpdate.Result> updates,
      SpikeGuard.State guard,
      List<String> skipped,
      boolean stopped) {
    int n = Math.max(1, updates.size());
    GrpoLoss.Sums sums = GrpoLoss.Sums.NONE;
    double entropy = 0;
    double gradNorm = 0;
    for (PolicyUpdate.Result result : updates) {
      sums = sums.plus(result.loss());
      entropy += result.entropy() / result.tokens() / n;
      gradNorm += result.gradNorm() / n;
    }
    return new Outcome(
        guard,
        skipped,
        stopped,
        !updates.isEmpty(),
        sums.loss() / n,
        sums.kl() / n,
        sums.clippedLow() / n,
        sums.clippedHigh() / n,
        entropy,
        updates.isEmpty() ? 0 : updates.getFirst().mismatch() / updates.getFirst().tokens(),
        gradNorm);
  }
}
