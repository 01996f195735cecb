package bitnet.grpo;

import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.training.LogProbabilityPass;
import bitnet.training.OptimizerStep;
import bitnet.training.PromptedText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// One step of the policy along the gradient of the loss.
///
/// Answers whose gradient is zero whatever their probabilities, those without an advantage where
/// there is no penalty, are counted but not computed.
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
  /// @param mismatch summed over them: |log-probability now - when they were drawn|
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

    /// Whether any answer had a gradient.
    boolean learned() {
      return tokens > 0;
    }
  }

  /// Adds the gradient of the loss to the model's parameters.
  ///
  /// @param texts the answers with their prompts; those with one prompt together
  /// @param answers as many
  Result accumulate(List<PromptedText> texts, List<JudgedTokens> answers) {
    GrpoLoss.Totals totals = GrpoLoss.Totals.of(answers);
    List<Integer> learned = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      if (answers.get(i).hasGradient()) {
        learned.add(i);
      }
    }
    GrpoLoss.Sums sums = GrpoLoss.Sums.NONE;
    long tokens = 0;
    double entropy = 0;
    double mismatch = 0;
    double forward = 0;
    double backward = 0;
    for (List<Integer> part : parts(texts, learned)) {
      List<PromptedText> some = part.stream().map(texts::get).toList();
      List<JudgedTokens> judged = part.stream().map(answers::get).toList();
      long begin = System.nanoTime();
      try (LogProbabilityPass pass = new LogProbabilityPass(model, some, keep)) {
        double[][] logp = pass.logProbabilities();
        GrpoLoss.Result result = loss.of(logp, judged, totals);
        long half = System.nanoTime();
        pass.backward(result.gradient());
        sums = sums.plus(result.sums());
        entropy += Arrays.stream(pass.entropies()).flatMapToDouble(Arrays::stream).sum();
        for (int i = 0; i < logp.length; i++) {
          for (int t = 0; t < logp[i].length; t++) {
            mismatch += Math.abs(logp[i][t] - judged.get(i).oldLogProbabilities()[t]);
          }
          tokens += logp[i].length;
        }
        forward += (half - begin) / NANOS;
        backward += (System.nanoTime() - half) / NANOS;
      }
    }
    return new Result(sums, tokens, entropy, mismatch, optimizer.gradientNorm(), forward, backward);
  }

  /// Answers that go through the graph together.
  private List<List<Integer>> parts(List<PromptedText> texts, List<Integer> learned) {
    List<List<Integer>> parts = new ArrayList<>();
    List<Integer> part = new ArrayList<>();
    for (int i : learned) {
      part.add(i);
      if (part.size() > 1
          && LogProbabilityPass.tokens(part.stream().map(texts::get).toList()) > passTokens) {
        part.removeLast();
        parts.add(part);
        part = new ArrayList<>(List.of(i));
      }
    }
    if (!part.isEmpty()) {
      parts.add(part);
    }
    return parts;
  }
}
