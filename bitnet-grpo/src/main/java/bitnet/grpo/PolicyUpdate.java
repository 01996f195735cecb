package bitnet.grpo;

import bitnet.graph.LlamaModel;
import bitnet.training.LogProbabilityPass;
import bitnet.training.OptimizerStep;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The gradient of the loss of one batch.
///
/// Rollouts whose gradient is zero (no advantage and no KL penalty) are counted but not computed.
final class PolicyUpdate {
  private static final double NANOS = 1e9;

  private final LlamaModel model;
  private final OptimizerStep optimizer;
  private final GrpoLoss loss;
  private final @Nullable ReferencePolicy reference;
  private final GrpoSettings settings;

  /// @param loss with the maximum length of the completions
  /// @param reference null if the loss has no KL penalty
  PolicyUpdate(
      LlamaModel model,
      OptimizerStep optimizer,
      GrpoLoss loss,
      @Nullable ReferencePolicy reference,
      GrpoSettings settings) {
    this.model = model;
    this.optimizer = optimizer;
    this.loss = loss;
    this.reference = reference;
    this.settings = settings;
  }

  /// What the gradient was computed from.
  ///
  /// @param loss its value, of replayed completions too; the other sums of [GrpoLoss] are of the
  ///     step's own completions
  /// @param tokens that were computed
  /// @param ownTokens of these those of the step's own completions
  /// @param mismatch summed over the own tokens: |log-probability by the graph - by the sampler|
  /// @param replayDrift summed over the replayed tokens: |log-probability now - when sampled|
  /// @param agreement cosine of the gradients of two halves of the groups; NaN with one group,
  ///     or if they were not compared
  /// @param gradNorm before clipping
  record Result(
      GrpoLoss.Sums loss,
      long tokens,
      long ownTokens,
      double mismatch,
      double replayDrift,
      double agreement,
      double gradNorm) {

    /// Whether any rollout had a gradient.
    boolean learned() {
      return tokens > 0;
    }
  }

  /// The sums of a part of a batch.
  private record Part(GrpoLoss.Sums loss, long tokens, double deviation) {
    static final Part NONE = new Part(GrpoLoss.Sums.NONE, 0, 0);

    Part plus(Part more) {
      return new Part(loss.plus(more.loss), tokens + more.tokens, deviation + more.deviation);
    }
  }

  /// Adds the gradient of the loss to the model's parameters, and compares that of its halves.
  Result accumulate(UpdateBatch batch, StepTimes times) {
    return accumulate(batch, true, times);
  }

  /// Adds the gradient of the loss to the model's parameters.
  ///
  /// @param compared whether the gradients of two halves are compared; otherwise their agreement is
  ///     NaN
  Result accumulate(UpdateBatch batch, boolean compared, StepTimes times) {
    GrpoLoss.Totals totals = GrpoLoss.Totals.of(batch.all());
    List<Rollout> computed = computed(batch.rollouts());
    List<List<Rollout>> halves = compared ? halves(computed) : List.of(List.of(), computed);
    boolean twoHalves = !halves.getFirst().isEmpty();
    Part own = accumulate(halves.getFirst(), totals, times);
    float[] first = twoHalves ? optimizer.sampledGradient() : new float[0];
    own = own.plus(accumulate(halves.getLast(), totals, times));
    float[] both = twoHalves ? optimizer.sampledGradient() : new float[0];
    Part replayed = accumulate(computed(batch.replayed()), totals, times);
    long counted = GrpoLoss.Totals.of(batch.rollouts()).tokens();
    double share = counted == 0 ? 0 : (double) totals.tokens() / counted;
    return new Result(
        new GrpoLoss.Sums(
            own.loss.loss() + replayed.loss.loss(),
            own.loss.kl() * share,
            own.loss.clippedLow() * share,
            own.loss.clippedHigh() * share),
        own.tokens + replayed.tokens,
        own.tokens,
        own.deviation,
        replayed.deviation,
        twoHalves ? agreement(first, both) : Double.NaN,
        optimizer.gradientNorm());
  }

  private List<Rollout> computed(List<Rollout> rollouts) {
    return rollouts.stream()
        .filter(
            rollout ->
                rollout.hasAdvantage() || (reference != null && rollout.learnable().counted()))
        .toList();
  }

  /// Two halves with as many groups each; the first is empty if there is one group only.
  private static List<List<Rollout>> halves(List<Rollout> rollouts) {
    List<Integer> starts = new ArrayList<>();
    for (int i = 0; i < rollouts.size(); i++) {
      if (i == 0 || !Arrays.equals(rollouts.get(i).prompt(), rollouts.get(i - 1).prompt())) {
        starts.add(i);
      }
    }
    int middle = starts.size() < 2 ? 0 : starts.get(starts.size() / 2);
    return List.of(rollouts.subList(0, middle), rollouts.subList(middle, rollouts.size()));
  }

  /// The cosine of `first` and `both - first`.
  private static double agreement(float[] first, float[] both) {
    double product = 0;
    double firstSquares = 0;
    double secondSquares = 0;
    for (int i = 0; i < first.length; i++) {
      double second = (double) both[i] - first[i];
      product += first[i] * second;
      firstSquares += (double) first[i] * first[i];
      secondSquares += second * second;
    }
    return product / Math.sqrt(firstSquares * secondSquares);
  }

  private Part accumulate(List<Rollout> rollouts, GrpoLoss.Totals totals, StepTimes times) {
    Part sum = Part.NONE;
    for (List<Rollout> some : parts(rollouts)) {
      LogProbabilityPass.Reference states =
          reference == null
              ? null
              : times.time(StepTimes.Part.REFERENCE, () -> reference.states(some));
      sum = sum.plus(accumulate(some, states, totals, times));
    }
    return sum;
  }

  private Part accumulate(
      List<Rollout> part,
      LogProbabilityPass.@Nullable Reference states,
      GrpoLoss.Totals totals,
      StepTimes times) {
    long begin = System.nanoTime();
    try (LogProbabilityPass pass =
        new LogProbabilityPass(
            model, part, settings.update().keep(), settings.sampling().temperature(), states)) {
      double[][] logp = pass.logProbabilities();
      GrpoLoss.Comparison comparison =
          states == null
              ? null
              : new GrpoLoss.Comparison(pass.referenceLogProbabilities(), pass.divergences());
      GrpoLoss.Result result = loss.of(logp, comparison, part, totals);
      long half = System.nanoTime();
      pass.backward(result.gradient(), result.klGradient());
      double deviation = 0;
      long tokens = 0;
      for (int i = 0; i < logp.length; i++) {
        for (int t = 0; t < logp[i].length; t++) {
          deviation += Math.abs(logp[i][t] - part.get(i).samplerLogProbabilities()[t]);
        }
        tokens += logp[i].length;
      }
      times.add(StepTimes.Part.FORWARD, (half - begin) / NANOS);
      times.add(StepTimes.Part.BACKWARD, (System.nanoTime() - half) / NANOS);
      return new Part(result.sums(), tokens, deviation);
    }
  }

  /// Rollouts that go through the graph together.
  private List<List<Rollout>> parts(List<Rollout> rollouts) {
    List<List<Rollout>> parts = new ArrayList<>();
    List<Rollout> part = new ArrayList<>();
    for (Rollout rollout : rollouts) {
      part.add(rollout);
      if (part.size() > 1 && LogProbabilityPass.tokens(part) > settings.update().passTokens()) {
        part.removeLast();
        parts.add(part);
        part = new ArrayList<>(List.of(rollout));
      }
    }
    if (!part.isEmpty()) {
      parts.add(part);
    }
    return parts;
  }
}
