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
}
