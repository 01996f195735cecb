package bitnet.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.data.TokenBatch;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Against the logits of the whole vocabulary, and against cross-entropy.
class LogProbabilityPassTest {
  private record Tokens(int[] prompt, int[] completion) implements PromptCompletion {}

  private static final LlamaConfig CONFIG =
      LlamaConfig.of(50, 32, 64, 2, 2).withKeyValueHeads(1).withContextLength(40);
  private static final List<PromptCompletion> TEXTS =
      List.of(
          new Tokens(new int[] {3, 9, 1}, new int[] {7, 8}),
          new Tokens(new int[] {5}, new int[] {2, 4, 6, 11, 0, 49}));

  private NDManager manager;
  private LlamaModel model;

  @BeforeEach
  void open() throws IOException {
    TorchOps.prepareThread(1);
    manager = NDManager.newBaseManager();
    model = load();
  }

  private LlamaModel load() throws IOException {
    return LlamaModel.load(
        new BlankWeights(CONFIG, new LatentInitializer(3, 0.1)), manager, ComputeType.FP32);
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /// Natural logarithms of the probabilities of every token after the first `count` of a text.
  private double[] logSoftmax(PromptCompletion text, int count) {
    long[] ids = new long[count];
    Arrays.setAll(ids, text::token);
    try (NDManager scope = manager.newSubManager()) {
      NDArray logits = model.logits(scope, scope.create(ids).reshape(1, count));
      float[] last = logits.get(count - 1).toFloatArray();
      double mass = IntStream.range(0, last.length).mapToDouble(i -> Math.exp(last[i])).sum();
      return IntStream.range(0, last.length).mapToDouble(i -> last[i] - Math.log(mass)).toArray();
    }
  }

  @Test
  void logProbabilitiesAndEntropiesAreThoseOfEachTextAlone() {
    try (LogProbabilityPass pass = new LogProbabilityPass(model, TEXTS, ForwardPass.Keep.NOTHING)) {
      for (int i = 0; i < TEXTS.size(); i++) {
        PromptCompletion text = TEXTS.get(i);
        for (int t = 0; t < text.completion().length; t++) {
          double[] all = logSoftmax(text, text.prompt().length + t);
          assertThat(pass.logProbabilities()[i][t])
              .isCloseTo(all[text.completion()[t]], within(1e-5));
          assertThat(pass.entropies()[i][t])
              .isCloseTo(
                  -Arrays.stream(all).map(logp -> Math.exp(logp) * logp).sum(), within(1e-5));
        }
      }
    }
  }

  @Test
  void gradientOfEqualSlopesIsThatOfCrossEntropy() throws IOException {
    LlamaModel other = load();
    int[] tokens = {4, 8, 15, 16, 23, 42};
    new CrossEntropyLoss(other)
        .accumulate(
            new TokenBatch(Arrays.copyOf(tokens, 5), Arrays.copyOfRange(tokens, 1, 6), 1, 5),
            1,
            ForwardPass.Keep.ALL);

    try (LogProbabilityPass pass =
        new LogProbabilityPass(
            model,
            List.of(new Tokens(new int[] {4}, Arrays.copyOfRange(tokens, 1, 6))),
            ForwardPass.Keep.ALL)) {
      pass.backward(new double[][] {{-0.2, -0.2, -0.2, -0.2, -0.2}});
    }

    List<Parameter> expected = other.parameters();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(model.parameters().get(i).gradient().toFloatArray())
          .containsExactly(expected.get(i).gradient().toFloatArray());
    }
  }

  @Test
  void theCrossEntropyOfAnswersIsThatOfTheirTokensAfterThePrompt() throws IOException {
    LlamaModel other = load();
    int[] targets = {TokenBatch.NO_TARGET, TokenBatch.NO_TARGET, 16, 23, 42};
    TokenBatch batch = new TokenBatch(new int[] {4, 8, 15, 16, 23}, targets, 1, 5);
    double loss = new CrossEntropyLoss(other).accumulate(batch, 1, ForwardPass.Keep.ALL);

    try (LogProbabilityPass pass =
        new LogProbabilityPass(
            model,
            List.of(new Tokens(new int[] {4, 8, 15}, new int[] {16, 23, 42})),
            ForwardPass.Keep.ALL)) {
      assertThat(loss)
          .isCloseTo(
              -Arrays.stream(pass.logProbabilities()[0]).average().orElseThrow(), within(1e-6));
      pass.backward(new double[][] {{-1 / 3.0, -1 / 3.0, -1 / 3.0}});
    }

    assertThat(new CrossEntropyLoss(other).sum(batch)).isCloseTo(3 * loss, within(1e-5));
    List<Parameter> expected = other.parameters();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(model.parameters().get(i).gradient().toFloatArray())
          .containsExactly(expected.get(i).gradient().toFloatArray(), within(1e-6f));
    }
  }

  @Test
  void aBatchWithoutTargetsTeachesNothing() {
    int[] none = {TokenBatch.NO_TARGET, TokenBatch.NO_TARGET};
    CrossEntropyLoss loss = new CrossEntropyLoss(model);
    TokenBatch batch = new TokenBatch(new int[] {4, 8}, none, 1, 2);

    assertThat(loss.accumulate(batch, 1, ForwardPass.Keep.ALL)).isZero();
    assertThat(loss.sum(batch)).isZero();
    assertThat(model.parameters())
        .allSatisfy(parameter -> assertThat(parameter.gradient().toFloatArray()).containsOnly(0f));
  }

  @Test
  void tokensWithoutSlopeAndFillingHaveNoGradient() throws IOException {
    LlamaModel other = load();
    double[] slopes = {0.3, -0.7};
    try (LogProbabilityPass together =
            new LogProbabilityPass(model, TEXTS, ForwardPass.Keep.LAYER_INPUTS);
        LogProbabilityPass alone =
            new LogProbabilityPass(other, TEXTS.subList(0, 1), ForwardPass.Keep.ALL)) {
      together.backward(new double[][] {slopes, new double[6]});
      alone.backward(new double[][] {slopes});
    }

    List<Parameter> expected = other.parameters();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(model.parameters().get(i).gradient().toFloatArray())
          .containsExactly(expected.get(i).gradient().toFloatArray(), within(1e-6f));
    }
  }

  @Test
  void textsWithOnePromptShareItsComputationAndChangeNothing() throws IOException {
    int[] prompt = {3, 9, 1, 30};
    List<PromptCompletion> texts =
        List.of(
            new Tokens(prompt, new int[] {7, 8, 5}),
            new Tokens(prompt, new int[] {40}),
            new Tokens(prompt, new int[] {2, 4, 6, 11, 0}),
            new Tokens(new int[] {9}, new int[] {1, 2}));
    double[][] slopes = {{0.3, -0.7, 1}, {-2}, {0.1, 0.2, 0.3, 0.4, 0.5}, {1, 1}};
    LlamaModel other = load();
    assertThat(LogProbabilityPass.tokens(texts)).isEqualTo(2 * (4 + 2 + 0 + 4));

    try (LogProbabilityPass together =
        new LogProbabilityPass(model, texts, ForwardPass.Keep.LAYER_INPUTS)) {
      for (int i = 0; i < texts.size(); i++) {
        try (LogProbabilityPass alone =
            new LogProbabilityPass(other, texts.subList(i, i + 1), ForwardPass.Keep.ALL)) {
          assertThat(together.logProbabilities()[i])
              .containsExactly(alone.logProbabilities()[0], within(1e-5));
          alone.backward(new double[][] {slopes[i]});
        }
      }
      together.backward(slopes);
    }

    List<Parameter> expected = other.parameters();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(model.parameters().get(i).gradient().toFloatArray())
          .containsExactly(expected.get(i).gradient().toFloatArray(), within(1e-5f));
    }
  }

  /// Some of whose tokens were drawn among a few candidates.
  private record Sampled(int[] prompt, int[] completion, int[][] candidates)
      implements PromptCompletion {}

  private static final double TEMPERATURE = 0.7;
  private static final List<PromptCompletion> SAMPLED =
      List.of(
          new Sampled(new int[] {3, 9}, new int[] {7, 8}, new int[][] {{1, 7, 30}, {8}}),
          new Sampled(
              new int[] {5}, new int[] {2}, new int[][] {IntStream.range(0, 50).toArray()}));

  /// The definition: softmax of logits over the temperature, among the candidates.
  private double[] distribution(LlamaModel of, PromptCompletion text, int token) {
    int count = text.prompt().length + token;
    long[] ids = new long[count];
    Arrays.setAll(ids, text::token);
    double[] p = new double[CONFIG.vocabSize()];
    try (NDManager scope = manager.newSubManager()) {
      NDArray logits = of.logits(scope, scope.create(ids).reshape(1, count));
      float[] last = logits.get(count - 1).toFloatArray();
      double mass = 0;
      for (int id : text.candidates()[token]) {
        p[id] = Math.exp(last[id] / TEMPERATURE);
        mass += p[id];
      }
      for (int id = 0; id < p.length; id++) {
        p[id] /= mass;
      }
    }
    return p;
  }

  private static double divergence(double[] p, double[] q) {
    double sum = 0;
    for (int id = 0; id < p.length; id++) {
      sum += p[id] == 0 ? 0 : p[id] * Math.log(p[id] / q[id]);
    }
    return sum;
  }

  /// The final hidden states before each completion token.
  private LogProbabilityPass.Reference states(LlamaModel of) {
    List<Float> states = new ArrayList<>();
    for (PromptCompletion text : SAMPLED) {
      for (int t = 0; t < text.completion().length; t++) {
        int count = text.prompt().length + t;
        long[] ids = new long[count];
        Arrays.setAll(ids, text::token);
        try (ForwardPass pass =
            of.forward(manager.create(ids).reshape(1, count), ForwardPass.Keep.NOTHING)) {
          float[] all = pass.hidden().toFloatArray();
          int width = CONFIG.hiddenSize();
          for (int i = (count - 1) * width; i < count * width; i++) {
            states.add(all[i]);
          }
        }
      }
    }
    float[] flat = new float[states.size()];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = states.get(i);
    }
    return new LogProbabilityPass.Reference(flat, of.effectiveHead());
  }

  private LlamaModel other() throws IOException {
    return LlamaModel.load(
        new BlankWeights(CONFIG, new LatentInitializer(4, 0.1)), manager, ComputeType.FP32);
  }

  @Test
  void distributionsAreThoseOfTemperatureAndCandidatesForPolicyAndReference() throws IOException {
    LlamaModel reference = other();
    try (LogProbabilityPass pass =
        new LogProbabilityPass(
            model, SAMPLED, ForwardPass.Keep.NOTHING, TEMPERATURE, states(reference))) {
      for (int i = 0; i < SAMPLED.size(); i++) {
        int[] completion = SAMPLED.get(i).completion();
        for (int t = 0; t < completion.length; t++) {
          double[] p = distribution(model, SAMPLED.get(i), t);
          double[] q = distribution(reference, SAMPLED.get(i), t);
          assertThat(pass.logProbabilities()[i][t])
              .isCloseTo(Math.log(p[completion[t]]), within(1e-5));
          assertThat(pass.referenceLogProbabilities()[i][t])
              .isCloseTo(Math.log(q[completion[t]]), within(1e-5));
          assertThat(pass.divergences()[i][t]).isCloseTo(divergence(p, q), within(1e-5));
          assertThat(pass.entropies()[i][t])
              .isCloseTo(
                  Arrays.stream(p).filter(each -> each > 0).map(e -> -e * Math.log(e)).sum(),
                  within(1e-5));
        }
      }
    }
  }

  @Test
  void gradientsAreThoseOfFiniteDifferencesAlsoOfTheDivergence() throws IOException {
    LlamaModel reference = other();
    LogProbabilityPass.Reference states = states(reference);
    double[][] slopes = {{0.5, -1}, {0.75}};
    double[][] klSlopes = {{1, 2}, {-0.5}};
    try (LogProbabilityPass pass =
        new LogProbabilityPass(model, SAMPLED, ForwardPass.Keep.ALL, TEMPERATURE, states)) {
      pass.backward(slopes, klSlopes);
    }
    // the head is not quantized: its entries may be moved a little
    float[] gradient = model.head().gradient().toFloatArray();
    float[] weights = model.head().value().toFloatArray();
    for (int entry : new int[] {7 * 32 + 3, 30 * 32 + 11, 2 * 32, 8 * 32 + 5, 44 * 32 + 20}) {
      double rise = value(states, weights, entry, 1e-2f, slopes, klSlopes);
      double fall = value(states, weights, entry, -1e-2f, slopes, klSlopes);
      assertThat((double) gradient[entry])
          .as("entry %d", entry)
          .isCloseTo((rise - fall) / 2e-2, within(2e-3));
    }
  }

  private double value(
      LogProbabilityPass.Reference states,
      float[] weights,
      int entry,
      float change,
      double[][] slopes,
      double[][] klSlopes) {
    float[] moved = weights.clone();
    moved[entry] += change;
    model.head().value().set(moved);
    double sum = 0;
    try (LogProbabilityPass pass =
        new LogProbabilityPass(model, SAMPLED, ForwardPass.Keep.NOTHING, TEMPERATURE, states)) {
      for (int i = 0; i < slopes.length; i++) {
        for (int t = 0; t < slopes[i].length; t++) {
          sum += slopes[i][t] * pass.logProbabilities()[i][t];
          sum += klSlopes[i][t] * pass.divergences()[i][t];
        }
      }
    }
    model.head().value().set(weights);
    return sum;
  }
}
