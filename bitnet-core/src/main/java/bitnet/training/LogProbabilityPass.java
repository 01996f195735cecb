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
import org.jspecify.annotations.Nullable;

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
  private final TorchOps.HeadInputs inputs; // hidden: [completionTokens, hidden]
  private final TorchOps.HeadResult result;

  /// A policy that a pass compares the model with.
  ///
  /// @param hidden its final hidden states, `[completionTokens, hidden]`, texts in their order
  /// @param head `[vocab, hidden]`, on the model's device
  public record Reference(float[] hidden, NDArray head) {}

  /// Runs the texts through the model, at temperature 1.
  ///
  /// @param texts at least one
  /// @param keep what is kept for [#backward]
  public LogProbabilityPass(
      LlamaModel model, List<? extends PromptCompletion> texts, ForwardPass.Keep keep) {
    this(model, texts, keep, 1, null);
  }

  /// Runs the texts through the model. Distributions are those of sampling: at a temperature, and
  /// among a token's [PromptCompletion#candidates].
  ///
  /// @param texts at least one
  /// @param keep what is kept for [#backward]
  /// @param temperature of the policy and the reference, above 0
  /// @param reference to compare with, or null
  public LogProbabilityPass(
      LlamaModel model,
      List<? extends PromptCompletion> texts,
      ForwardPass.Keep keep,
      double temperature,
      @Nullable Reference reference) {
    this.model = model;
    this.texts = List.copyOf(texts);
    this.scope = model.manager().newSubManager();
    PromptTree tree = new PromptTree(texts);
    pass = forward(tree, keep);
    rows = scope.create(tree.before());
    inputs =
        new TorchOps.HeadInputs(
            model.ops().selectRows(scope, pass.hidden(), rows),
            model.effectiveHead(),
            targets(scope, texts),
            temperature,
            candidates(scope, texts),
            reference(reference),
            model.computeType());
    result = model.ops().logProbabilities(scope, inputs);
  }

  /// Log-probabilities of completion tokens whose hidden states are known already.
  ///
  /// @param states final hidden states before each completion token, and the head
  /// @return natural logarithms, `[text][token]`
  public static double[][] of(
      LlamaModel model,
      Reference states,
      List<? extends PromptCompletion> texts,
      double temperature) {
    try (NDManager scope = model.manager().newSubManager()) {
      NDArray chosen =
          model
              .ops()
              .logProbabilities(
                  scope,
                  new TorchOps.HeadInputs(
                      hidden(scope, states),
                      states.head(),
                      targets(scope, texts),
                      temperature,
                      candidates(scope, texts),
                      none(scope),
                      model.computeType()))
              .chosen();
      return perText(texts, chosen.toFloatArray());
    }
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

  private static NDArray targets(NDManager scope, List<? extends PromptCompletion> texts) {
    return scope.create(
        texts.stream()
            .flatMapToInt(text -> Arrays.stream(text.completion()))
            .asLongStream()
            .toArray());
  }

  private static TorchOps.Candidates candidates(
      NDManager scope, List<? extends PromptCompletion> texts) {
    long pairs = 0;
    boolean some = false;
    for (PromptCompletion text : texts) {
      int[][] candidates = text.candidates();
      some |= candidates.length > 0;
      pairs += Arrays.stream(candidates).mapToLong(each -> each.length).sum();
    }
    long[] rows = new long[Math.toIntExact(pairs)];
    long[] ids = new long[rows.length];
    int next = 0;
    int row = 0;
    for (PromptCompletion text : some ? texts : List.<PromptCompletion>of()) {
      if (text.candidates().length != text.completion().length) {
        throw new IllegalArgumentException(
            "%d lists of candidates for a completion of %d tokens; give one for each token of all texts"
                .formatted(text.candidates().length, text.completion().length));
      }
      for (int[] each : text.candidates()) {
        for (int id : each) {
          rows[next] = row;
          ids[next++] = id;
        }
        row++;
      }
    }
    return new TorchOps.Candidates(scope.create(rows), scope.create(ids));
  }

  private static TorchOps.Reference none(NDManager scope) {
    NDArray none = scope.create(new float[0]);
    return new TorchOps.Reference(none, none);
  }

  private TorchOps.Reference reference(@Nullable Reference reference) {
    return reference == null
        ? none(scope)
        : new TorchOps.Reference(hidden(scope, reference), reference.head());
  }

  private static NDArray hidden(NDManager scope, Reference reference) {
    long width = reference.head().getShape().get(1);
    return scope.create(reference.hidden(), new Shape(reference.hidden().length / width, width));
  }

  private int count() {
    return texts.stream().mapToInt(text -> text.completion().length).sum();
  }

  /// The natural logarithm of the probability of every completion token, `[text][token]`.
  public double[][] logProbabilities() {
    return perText(texts, result.chosen().toFloatArray());
  }

  /// The entropy of the distribution of every completion token in nats, `[text][token]`.
  public double[][] entropies() {
    return perText(texts, result.entropy().toFloatArray());
  }

  /// The natural logarithm of the probability of every completion token under the reference,
  /// `[text][token]`.
  public double[][] referenceLogProbabilities() {
    return perText(texts, result.reference().toFloatArray());
  }

  /// `KL(policy, reference)` of the distribution of every completion token, the sum over the
  /// vocabulary, in nats, `[text][token]`.
  public double[][] divergences() {
    return perText(texts, result.divergence().toFloatArray());
  }

  private static double[][] perText(List<? extends PromptCompletion> texts, float... flat) {
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

  private float[] flat(double[][] slopes) {
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
    return flat;
  }

  /// Adds the gradients of `sum slopes * log-probabilities` to the model's parameters; once.
  ///
  /// @param slopes `[text][token]`, the derivatives of a loss by [#logProbabilities]
  public void backward(double[][] slopes) {
    backward(slopes, new double[0][]);
  }

  /// Adds the gradients of `sum slopes * log-probabilities + sum klSlopes * divergences` to the
  /// model's parameters; once.
  ///
  /// @param slopes `[text][token]`, the derivatives of a loss by [#logProbabilities]
  /// @param klSlopes `[text][token]`, its derivatives by [#divergences]; empty for none
  public void backward(double[][] slopes, double[][] klSlopes) {
    TorchOps ops = model.ops();
    NDArray dRows = scope.zeros(inputs.hidden().getShape(), DataType.FLOAT32);
    // estimates need the reference's log-probabilities only, which are known by now
    boolean compared = klSlopes.length > 0;
    ops.logProbabilitiesBackward(
        scope,
        compared ? inputs : inputs.withReference(none(scope)),
        scope.create(flat(slopes)),
        scope.create(klSlopes.length == 0 ? new float[0] : flat(klSlopes)),
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
