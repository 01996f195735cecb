package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDManager;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.TorchOps;
import bitnet.kernel.CacheType;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import bitnet.training.LogProbabilityPass;
import bitnet.training.PromptCompletion;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The packed reference against the graph that trains, on the same weights.
class ReferencePolicyTest {
  private record Tokens(int[] prompt, int[] completion) implements PromptCompletion {}

  private static final LlamaConfig CONFIG =
      LlamaConfig.of(60, 64, 96, 1, 2).withKeyValueHeads(1).withContextLength(64);
  private static final List<PromptCompletion> TEXTS =
      List.of(
          new Tokens(new int[] {3, 9, 1}, new int[] {7, 8}),
          new Tokens(new int[] {3, 9, 1}, new int[] {5}),
          new Tokens(new int[] {5}, new int[] {2, 4, 6, 11}),
          new Tokens(new int[] {3, 9, 1}, new int[] {7, 8}));

  @Test
  void logProbabilitiesAreThoseOfTheGraphAlsoAfterItsWeightsWereReplaced() throws IOException {
    TorchOps.prepareThread(1);
    RuntimeSettings exact = new RuntimeSettings(1, "auto", LmHeadType.FP32, CacheType.FP32);
    BlankWeights first = new BlankWeights(CONFIG, new LatentInitializer(5, 0.1));
    BlankWeights second = new BlankWeights(CONFIG, new LatentInitializer(6, 0.1));
    try (NDManager manager = NDManager.newBaseManager();
        ReferencePolicy reference = new ReferencePolicy(first, manager, exact, true)) {
      for (BlankWeights weights : List.of(first, second)) {
        reference.replace(weights);
        try (LlamaModel model = LlamaModel.load(weights, manager, ComputeType.FP32);
            LogProbabilityPass pass =
                new LogProbabilityPass(
                    model, TEXTS, ForwardPass.Keep.NOTHING, 0.7, reference.states(TEXTS))) {
          double[][] expected = pass.logProbabilities();
          double[][] actual = pass.referenceLogProbabilities();
          for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).containsExactly(expected[i], offset(1e-5));
            assertThat(pass.divergences()[i])
                .containsExactly(new double[expected[i].length], offset(1e-6));
          }
        }
      }
    }
  }
}
