package bitnet.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.TorchOps;
import java.util.Arrays;
import java.util.List;

/// A forward pass of completions through a model: the log-probability of each completion token
/// given the tokens before it, and the gradient of any function of these.
///
/// Consecutive completions of the same prompt share its computation. The output head computes
/// completion tokens only.
public final class LogProbabilityPass implements AutoCloseable {
  private final LlamaModel model;
  private final List<PromptCompletion> texts;
  private final NDManager scope;
  private final ForwardPass pass;
  private final NDArray rows; // [completionTokens], their indices among the hidden states
  private final NDArray targets; // [completionTokens]
  private final NDArray hidden; // [completionTokens, hidden]
  private final TorchOps.HeadResult result;

  /// Runs the texts through the model.
  ///
  /// @param texts at least one
  /// @param keep what is kept for [#backward]
  public LogProbabilityPass(
      LlamaModel model, List<? extends PromptCompletion> texts, ForwardPass.Keep keep) {
    this.model = model;
    this.texts = List.copyOf(texts);
    this.scope = model.manager().newSubManager();
    PromptTree tree = new PromptTree(texts);
    pass = forward(tree, keep);
    rows = scope.create(tree.before());
    targets =
        scope.create(
            texts.stream()
                .flatMapToInt(text -> Arrays.stream(text.completion()))
                .asLongStream()
                .toArray());
    hidden = model.ops().selectRows(scope, pass.hidden(), rows);
    result =
        model
            .ops()
            .logProbabilities(scope, hidden, model.effectiveHead(), targets, model.computeType());
  }

  /// Tokens that such a pass would compute: prompts that are shared count once, filling counts.
  public static long tokens(List<? extends PromptCompletion> texts) {
    return new PromptTree(texts).tokens();
  }

  private ForwardPass forward(PromptTree tree, ForwardPass.Keep keep) {
    Shape shape = new Shape(tree.sequences(), tree.seq());
    NDArray ids = scope.create(tree.ids(), shape);
    if (!tree.branches()) {
      return model.forward(ids, keep);
    }
    return model.forward(
        ids,
        scope.create(tree.positions(), shape),
        scope.create(tree.mask(), new Shape(tree.sequences(), 1, tree.seq(), tree.seq())),
        keep);
  }

  private int count() {
    return texts.stream().mapToInt(text -> text.completion().length).sum();
  }

  /// The natural logarithm of the probability of every completion token, `[text][token]`.
  public double[][] logProbabilities() {
    return perText(result.chosen().toFloatArray());
  }

  /// The entropy of the distribution of every completion token in nats, `[text][token]`.
  public double[][] entropies() {
    return perText(result.entropy().toFloatArray());
  }

  private double[][] perText(float... flat) {
    double[][] values = new double[texts.size()][];
    int next = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = new double[texts.get(i).completion().length];
      for (int t = 0; t < values[i].length; t++) {
        values[i][t] = flat[next++];
      }
    }
    return values;
  }

  /// Adds the gradients of `sum slopes * log-probabilities` to the model's parameters; once.
  ///
  /// @param slopes `[text][token]`, the derivatives of a loss by [#logProbabilities]
  public void backward(double[][] slopes) {
    float[] flat = new float[count()];
    int next = 0;
    for (double[] text : slopes) {
      for (double slope : text) {
        flat[next++] = (float) slope;
      }
    }
    if (next != flat.length) {
      throw new IllegalArgumentException(
          "%d slopes for %d completion tokens; give one for each".formatted(next, flat.length));
    }
    TorchOps ops = model.ops();
    NDArray dRows = scope.zeros(hidden.getShape(), DataType.FLOAT32);
    ops.logProbabilitiesBackward(
        scope,
        hidden,
        model.effectiveHead(),
        targets,
        scope.create(flat),
        model.computeType(),
        dRows,
        model.head().gradient());
    NDArray dHidden = scope.zeros(pass.hidden().getShape(), DataType.FLOAT32);
    ops.addRows(scope, dRows, rows, dHidden);
    pass.backward(dHidden);
  }

  @Override
  public void close() {
    pass.close();
    scope.close();
  }
}
