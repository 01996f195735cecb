package bitnet.grpo;

import bitnet.graph.LlamaModel;
import bitnet.training.OptimizerStep;
import bitnet.training.SpikeGuard;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The fourth stage of a step: updates the policy, for both layers.
public final class PolicyOptimizer {

  /// Every finite loss passes: it is near 0 by construction and says little.
  private static final SpikeGuard GUARD = new SpikeGuard(2, Double.POSITIVE_INFINITY, 10);

  private final LlamaModel model;
  private final OptimizerStep optimizer;
  private final PolicyUpdate update;
  private final RolloutSampler rollouts;
  private final @Nullable ReferencePolicy reference;
  private final GrpoSettings settings;

  /// An optimizer of a model, for completions of the settings' maximum length.
  ///
  /// @param optimizer of the model's parameters
  /// @param rollouts take over the weights after an update
  /// @param reference null if the loss has no KL penalty
  /// @throws IllegalArgumentException if the loss has a KL penalty and there is no reference, or
  ///     the other way round
  public PolicyOptimizer(
      LlamaModel model,
      OptimizerStep optimizer,
      RolloutSampler rollouts,
      @Nullable ReferencePolicy reference,
      GrpoSettings settings) {
    this(model, optimizer, rollouts, reference, settings, settings.rollouts().maxLength());
  }

  /// An optimizer of a model.
  ///
  /// @param rollouts take over the weights after an update
  /// @param reference null if the loss has no KL penalty
  /// @param maxLength maximum number of tokens of a completion
  PolicyOptimizer(
      LlamaModel model,
      OptimizerStep optimizer,
      RolloutSampler rollouts,
      @Nullable ReferencePolicy reference,
      GrpoSettings settings,
      int maxLength) {
    if (settings.isCompared() != (reference != null)) {
      throw new IllegalArgumentException(
          "beta %s %s a reference policy; give one exactly when beta is above 0"
              .formatted(settings.loss().beta(), reference == null ? "without" : "with"));
    }
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

  /// What an update did: means over its optimizer steps.
  ///
  /// @param guard what the guard remembers afterwards
  /// @param skipped the reason of each skipped optimizer step
  /// @param stopped whether so many steps were skipped in a row that the run has diverged
  /// @param learned whether the loss had a gradient
  /// @param loss its value, with the KL estimate and the clipped shares of the tokens
  /// @param entropy of the policy's next-token distribution, in nats, mean over the tokens
  /// @param mismatch |log-probability by the graph - by the sampler|, mean over the tokens that
  ///     were computed, before the first update
  /// @param gradNorm 2-norm of the gradient before clipping
  public record Outcome(
      SpikeGuard.State guard,
      List<String> skipped,
      boolean stopped,
      boolean learned,
      GrpoLoss.Sums loss,
      double entropy,
      double mismatch,
      double gradNorm) {

    /// Adds the columns of the log.
    void put(SequencedMap<String, Double> row, String prefix) {
      if (!learned) {
        return;
      }
      row.put(prefix + "loss", loss.loss());
      row.put(prefix + "grad_norm", gradNorm);
      row.put(prefix + "kl", loss.kl());
      row.put(prefix + "entropy", entropy);
      row.put(prefix + "clip_ratio", loss.clippedLow() + loss.clippedHigh());
      row.put(prefix + "clip_ratio_low", loss.clippedLow());
      row.put(prefix + "clip_ratio_high", loss.clippedHigh());
      row.put(prefix + "logp_mismatch", mismatch);
    }
  }

  /// Updates the policy, and hands the new weights to the sampler.
  ///
  /// @param rollouts with advantages; those of one prompt are consecutive
  /// @param step of the schedule, from 0
  /// @param guard of the previous outcome; [SpikeGuard.State#start] in the first step
  /// @throws IOException if the sampler cannot take over the weights
  public Outcome update(List<Rollout> rollouts, long step, SpikeGuard.State guard)
      throws IOException {
    return update(rollouts, step, guard, new StepTimes());
  }

  /// Updates the policy, and hands the new weights to the sampler.
  ///
  /// @param rollouts with advantages; those of one prompt are consecutive
  /// @param step of the schedule
  Outcome update(List<Rollout> rollouts, long step, SpikeGuard.State guard, StepTimes times)
      throws IOException {
    List<Rollout> compared = compared(rollouts, times);
    List<PolicyUpdate.Result> updates = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    SpikeGuard.State state = guard;
    boolean stopped = false;
    boolean changed = false;
    for (int i = 0; i < settings.update().iterations() && !stopped; i++) {
      PolicyUpdate.Result result = update.accumulate(compared);
      times.add(StepTimes.Part.FORWARD, result.forwardSeconds());
      times.add(StepTimes.Part.BACKWARD, result.backwardSeconds());
      if (!result.learned()) {
        break;
      }
      updates.add(result);
      SpikeGuard.Verdict verdict = GUARD.check(state, result.loss().loss(), result.gradNorm());
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

  /// The rollouts with their log-probabilities under the reference policy, if there is one.
  private List<Rollout> compared(List<Rollout> rollouts, StepTimes times) {
    if (reference == null) {
      return rollouts;
    }
    double[][] references =
        times.time(StepTimes.Part.REFERENCE, () -> reference.logProbabilities(rollouts));
    return IntStream.range(0, references.length)
        .mapToObj(i -> rollouts.get(i).withReferenceLogProbabilities(references[i]))
        .toList();
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
        sums.dividedBy(n),
        entropy,
        updates.isEmpty() ? 0 : updates.getFirst().mismatch() / updates.getFirst().tokens(),
        gradNorm);
  }
}
