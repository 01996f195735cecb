package bitnet.graph;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import bitnet.model.Activation;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernarizedWeights;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TernaryStatisticsTest {

  private static LlamaConfig config(int hidden, int intermediate, int layers) {
    return new LlamaConfig(
        32,
        hidden,
        layers,
        32,
        new LlamaConfig.Heads(4, 2, hidden / 4, 10000),
        new LlamaConfig.FeedForward(intermediate, Activation.SILU),
        LlamaConfig.Norms.LLAMA,
        LlamaConfig.Weights.SEPARATE);
  }

  /// The trits of every row of the linear layers, by the quantizer of the runtime.
  private static List<byte[]> rows(LlamaModel model) throws IOException {
    List<byte[]> rows = new ArrayList<>();
    TernarizedWeights weights = new TernarizedWeights(model);
    for (TensorSpec tensor : model.config().tensors()) {
      if (tensor.kind() == TensorSpec.Kind.TERNARY) {
        TernaryRows trits = weights.ternary(tensor);
        for (int row = 0; row < trits.rows(); row++) {
          byte[] target = new byte[trits.columns()];
          trits.unpack(row, 1, target);
          rows.add(target);
        }
      }
    }
    return rows;
  }

  /// What may hold of a trit.
  @FunctionalInterface
  private interface Property {
    boolean holds(int row, int column);
  }

  private static double share(List<byte[]> rows, Property property) {
    long count = 0;
    long all = 0;
    for (int row = 0; row < rows.size(); row++) {
      for (int column = 0; column < rows.get(row).length; column++) {
        count += property.holds(row, column) ? 1 : 0;
        all++;
      }
    }
    return (double) count / all;
  }

  private static LlamaModel load(NDManager manager, LlamaConfig config, ComputeType type)
      throws IOException {
    return LlamaModel.load(new BlankWeights(config, new LatentInitializer(3, 0.05)), manager, type);
  }

  private static void change(LlamaModel model) {
    for (Parameter parameter : model.parameters()) {
      float[] values = parameter.value().toFloatArray();
      for (int i = 0; i < values.length; i += 3) {
        values[i] = 0.04f - values[i] / 2;
      }
      parameter.value().set(values);
    }
  }

  @Test
  void zerosAndChangesAreThoseThatTheRuntimesQuantizerFinds() throws IOException {
    TorchOps.prepareThread(2);
    for (ComputeType type : List.of(ComputeType.FP32, ComputeType.BF16)) {
      try (NDManager manager = NDManager.newBaseManager();
          LlamaModel model = load(manager, config(64, 96, 2), type);
          TernaryStatistics watch = new TernaryStatistics(model)) {
        List<byte[]> before = rows(model);
        TernaryStatistics.Health still = watch.look().orElseThrow();
        change(model);
        model.ternarize();
        List<byte[]> after = rows(model);
        TernaryStatistics.Health changed = watch.look().orElseThrow();

        assertThat(still.zeroShare()).isEqualTo(share(before, (i, j) -> before.get(i)[j] == 0));
        assertThat(still.flipRate()).isZero();
        assertThat(changed.zeroShare()).isEqualTo(share(after, (i, j) -> after.get(i)[j] == 0));
        assertThat(changed.flipRate())
            .isPositive()
            .isEqualTo(share(after, (i, j) -> after.get(i)[j] != before.get(i)[j]));
      }
    }
  }

  @Test
  void weightsThatAreNotYetTernaryAreCountedAsWhatTheyWillBe() throws IOException {
    TorchOps.prepareThread(2);
    try (NDManager manager = NDManager.newBaseManager();
        LlamaModel model = load(manager, config(64, 96, 1), ComputeType.FP32);
        TernaryStatistics watch = new TernaryStatistics(model)) {
      double ternary = watch.look().orElseThrow().zeroShare();
      model.ternarize(0.25);
      assertThat(watch.look().orElseThrow()).isEqualTo(new TernaryStatistics.Health(ternary, 0));
    }
  }

  @Test
  void someRowsStandForALargeLayer() throws IOException {
    TorchOps.prepareThread(2);
    try (NDManager manager = NDManager.newBaseManager();
        LlamaModel model = load(manager, config(512, 4096, 1), ComputeType.FP32);
        TernaryStatistics watch = new TernaryStatistics(model)) {
      List<byte[]> all = rows(model);
      TernaryStatistics.Health seen = watch.look().orElseThrow();

      double share = share(all, (i, j) -> all.get(i)[j] == 0);
      assertThat(seen.zeroShare()).isNotEqualTo(share).isBetween(share - 0.001, share + 0.001);
      assertThat(seen.flipRate()).isZero();
    }
  }
}
