package bitnet.grpo;

import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.training.LogProbabilityPass;
import bitnet.training.OptimizerStep;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// One step of the policy along the gradient of the loss.
///
/// Rollouts whose gradient is zero (no advantage and no KL penalty) are counted but not computed.
final class PolicyUpdate {
  private static final double NANOS = 1e9;

  private final LlamaModel model;
  private final OptimizerStep optimizer;
  private final GrpoLoss loss;
  private final ForwardPass.Keep keep;
  private final int passTokens;

  PolicyUpdate(
      LlamaModel model,
      OptimizerStep optimizer,
      GrpoLoss loss,
      ForwardPass.Keep keep,
      int passTokens) {
    this.model = model;
    this.optimizer = optimizer;
    this.loss = loss;
    this.keep = keep;
    this.passTokens = passTokens;
  }

  /// What the gradient was computed from.
  ///
  /// @param loss the sums of [GrpoLoss]
  /// @param tokens that were computed
  /// @param entropy summed over them, nats
  /// @param mismatch summed over them: |log-probability by the graph - by the sampler|
  /// @param gradNorm before clipping
  /// @param forwardSeconds through the graph, with log-probabilities
  /// @param backwardSeconds through the graph
  record Result(
      GrpoLoss.Sums loss,
      long tokens,
      double entropy,
      double mismatch,
      double gradNorm,
      double forwardSeconds,
      double backwardSeconds) {

    /// Whether any rollout had a gradient.
    boolean learned() {
      return tokens > 0;
    }
  }

  /// Adds the gradient of the loss to the model's parameters.
  ///
  /// @param rollouts with advantages; those of one prompt are consecutive
  Result accumulate(List<Rollout> rollouts) {
    GrpoLoss.Totals totals = GrpoLoss.Totals.of(rollouts);
    GrpoLoss.Sums sums = GrpoLoss.Sums.NONE;
    long tokens = 0;
    double entropy = 0;
    double mismatch = 0;
    double forward = 0;
    double backward = 0;
    for (List<Rollout> part : parts(rollouts.stream().filter(Rollout::hasGradient).toList())) {
      long begin = System.nanoTime();
      try (LogProbabilityPass pass = new LogProbabilityPass(model, part, keep)) {
        double[][] logp = pass.logProbabilities();
        GrpoLoss.Result result = loss.of(logp, part, totals);
        long half = System.nanoTime();
        pass.backward(result.gradient());
        sums = sums.plus(result.sums());
        entropy += Arrays.stream(pass.entropies()).flatMapToDouble(Arrays::stream).sum();
        for (int i = 0; i < logp.length; i++) {
          for (int t = 0; t < logp[i].length; t++) {
            mismatch += Math.abs(logp[i][t] - part.get(i).samplerLogProbabilities()[t]);
          }
          tokens += logp[i].length;
        }
        forward += (half - begin) / NANOS;
        backward += (System.nanoTime() - half) / NANOS;
      }
    }
    return new Result(sums, tokens, entropy, mismatch, optimizer.gradientNorm(), forward, backward);
  }

  /// Rollouts that go through the graph together.
  private List<List<Rollout>> parts(List<Rollout> rollouts) {
    List<List<Rollout>> parts = new ArrayList<>();
    List<Rollout> part = new ArrayList<>();
    for (Rollout rollout : rollouts) {
      part.add(rollout);
      if (part.size() > 1 && LogProbabilityPass.tokens(part) > passTokens) {
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
