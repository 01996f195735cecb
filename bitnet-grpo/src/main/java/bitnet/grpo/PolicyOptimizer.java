package bitnet.grpo;

import bitnet.graph.LlamaModel;
import bitnet.training.OptimizerStep;
import bitnet.training.SpikeGuard;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The fourth stage of a step: updates the policy, for both layers.
public final class PolicyOptimizer {

  /// Every finite loss passes: it is near 0 by construction and says little.
  private static final SpikeGuard GUARD = new SpikeGuard(2, Double.POSITIVE_INFINITY, 10);

  /// Completions by which the divergence of an update is estimated.
  private static final int PROBES = 16;

  private final LlamaModel model;
  private final OptimizerStep optimizer;
  private final PolicyUpdate update;
  private final RolloutSampler rollouts;
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
    this.settings = settings;
    this.update =
        new PolicyUpdate(
            model, optimizer, settings.loss().withMaxLength(maxLength), reference, settings);
  }

  /// What an update did: means over its optimizer steps.
  ///
  /// @param guard what the guard remembers afterwards
  /// @param skipped the reason of each skipped optimizer step
  /// @param stopped whether so many steps were skipped in a row that the run has diverged
  /// @param metrics of the log, by name without the prefix of the layer; empty if nothing had a
  ///     gradient
  public record Outcome(
      SpikeGuard.State guard,
      List<String> skipped,
      boolean stopped,
      SequencedMap<String, Double> metrics) {

    /// A metric by its name; NaN if nothing had a gradient.
    public double metric(String name) {
      return metrics.getOrDefault(name, Double.NaN);
    }

    /// Adds the columns of the log.
    void put(SequencedMap<String, Double> row, String prefix) {
      metrics.forEach((name, value) -> row.put(prefix + name, value));
    }
  }

  /// Updates the policy, and hands the new weights to the sampler.
  ///
  /// @param groups with advantages
  /// @param step of the schedule, from 0
  /// @param guard of the previous outcome; [SpikeGuard.State#start] in the first step
  /// @throws IOException if the sampler cannot take over the weights
  public Outcome update(List<Group> groups, long step, SpikeGuard.State guard) throws IOException {
    return update(
        UpdateBatch.of(groups, settings.update().prompts(settings.rollouts()), List.of()),
        settings.schedule().learningRate(step),
        step,
        guard,
        new StepTimes());
  }

  /// Updates the policy, and hands the new weights to the sampler.
  ///
  /// @param batches an optimizer step each, in each iteration
  /// @param learningRate of all of them
  /// @param step of the schedule
  Outcome update(
      List<UpdateBatch> batches,
      double learningRate,
      long step,
      SpikeGuard.State guard,
      StepTimes times)
      throws IOException {
    model.seedDropout(settings.sampling().seed(), step);
    List<PolicyUpdate.Result> updates = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    SpikeGuard.State state = guard;
    boolean stopped = false;
    boolean changed = false;
    for (int i = 0; i < settings.update().iterations() * batches.size() && !stopped; i++) {
      PolicyUpdate.Result result =
          update.accumulate(batches.get(i % batches.size()), updates.isEmpty(), times);
      if (!result.learned()) {
        continue;
      }
      updates.add(result);
      SpikeGuard.Verdict verdict = GUARD.check(state, result.loss().loss(), result.gradNorm());
      state = verdict.next();
      if (verdict.action() == SpikeGuard.Action.ACCEPT) {
        times.time(StepTimes.Part.OPTIMIZER, () -> apply(learningRate, step, result.gradNorm()));
        changed = true;
      } else {
        optimizer.skip();
        skipped.add(verdict.reason());
        stopped = verdict.action() == SpikeGuard.Action.STOP;
      }
    }
    SequencedMap<String, Double> metrics = metrics(updates);
    if (changed) {
      times.time(StepTimes.Part.REPACK, this::repack);
      metrics.put("step_kl", times.time(StepTimes.Part.REFERENCE, () -> divergence(batches)));
    }
    return new Outcome(state, skipped, stopped, metrics);
  }

  /// The divergence of the new policy from the one that sampled the completions, in nats per
  /// completion: the mean of the sums of `r - 1 - ln r` over their tokens, which is unbiased, with
  /// the ratio `r` of new to old probability.
  private double divergence(List<UpdateBatch> batches) {
    List<Rollout> all = batches.stream().flatMap(batch -> batch.rollouts().stream()).toList();
    int count = Math.min(PROBES, all.size());
    List<Rollout> probes =
        IntStream.range(0, count)
            .mapToObj(i -> all.get((int) ((i + 0.5) * all.size() / count)))
            .toList();
    double[][] logp = rollouts.logProbabilities(model, probes, settings.sampling().temperature());
    double sum = 0;
    for (int i = 0; i < count; i++) {
      double[] old = probes.get(i).samplerLogProbabilities();
      for (int t = 0; t < old.length; t++) {
        double change = logp[i][t] - old[t];
        sum += Math.expm1(change) - change;
      }
    }
    return sum / count;
  }

  private boolean apply(double learningRate, long step, double gradNorm) {
    optimizer.apply(
        learningRate,
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

  private SequencedMap<String, Double> metrics(List<PolicyUpdate.Result> updates) {
    SequencedMap<String, Double> metrics = new LinkedHashMap<>();
    if (updates.isEmpty()) {
      return metrics;
    }
    int n = updates.size();
    GrpoLoss.Sums sums =
        updates.stream()
            .map(PolicyUpdate.Result::loss)
            .reduce(GrpoLoss.Sums.NONE, GrpoLoss.Sums::plus)
            .dividedBy(n);
    PolicyUpdate.Result first = updates.getFirst();
    metrics.put("loss", sums.loss());
    metrics.put("grad_norm", updates.stream().mapToDouble(PolicyUpdate.Result::gradNorm).sum() / n);
    if (!Double.isNaN(first.agreement())) {
      metrics.put("gradient_agreement", first.agreement());
    }
    if (settings.isCompared()) {
      metrics.put("kl", sums.kl());
    }
    metrics.put("clip_ratio", sums.clippedLow() + sums.clippedHigh());
    metrics.put("clip_ratio_low", sums.clippedLow());
    metrics.put("clip_ratio_high", sums.clippedHigh());
    if (first.ownTokens() > 0) {
      metrics.put("logp_mismatch", first.mismatch() / first.ownTokens());
    }
    if (first.tokens() > first.ownTokens()) {
      metrics.put("replay_drift", first.replayDrift() / (first.tokens() - first.ownTokens()));
    }
    return metrics;
  }
}
