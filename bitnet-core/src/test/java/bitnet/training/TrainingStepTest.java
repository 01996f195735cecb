package bitnet.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.HuggingFaceDirectory;
import bitnet.data.TokenBatch;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.model.TensorSpec;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Loss, gradients and updates against PyTorch's autograd and AdamW, from fixtures/train-step.
class TrainingStepTest {

  private static final Path FIXTURE = Path.of("src/test/resources/fixtures/train-step");

  private NDManager manager;
  private JsonNode expected;
  private List<TokenBatch> batches;

  @BeforeEach
  void open() throws IOException {
    TorchOps.prepareThread(2);
    manager = NDManager.newBaseManager();
    expected = new ObjectMapper().readTree(FIXTURE.resolve("expected.json").toFile());
    batches = new ArrayList<>();
    for (JsonNode step : expected.get("ids")) {
      batches.add(batch(step));
    }
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private static TokenBatch batch(JsonNode sequences) {
    int seq = sequences.get(0).size() - 1;
    int[] inputs = new int[sequences.size() * seq];
    int[] targets = new int[sequences.size() * seq];
    for (int row = 0; row < sequences.size(); row++) {
      for (int i = 0; i < seq; i++) {
        inputs[row * seq + i] = sequences.get(row).get(i).intValue();
        targets[row * seq + i] = sequences.get(row).get(i + 1).intValue();
      }
    }
    return new TokenBatch(inputs, targets, sequences.size(), seq);
  }

  private LlamaModel load(ComputeType type) throws IOException {
    return load(FIXTURE, type);
  }

  private LlamaModel load(Path fixture, ComputeType type) throws IOException {
    try (HuggingFaceDirectory directory = HuggingFaceDirectory.open(fixture)) {
      return LlamaModel.load(directory, manager, type);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ALL", "LAYER_INPUTS"})
  void lossAndEveryGradientEqualThoseOfAutograd(ForwardPass.Keep keep) throws IOException {
    LlamaModel model = load(ComputeType.FP32);
    double loss = new CrossEntropyLoss(model).accumulateTimed(batches.get(0), 1, keep).loss();
    double wanted = expected.get("loss").get(0).doubleValue();
    assertThat(loss).isCloseTo(wanted, within(1e-4 * wanted));
    assertGradients(model, FIXTURE, 1e-4);
  }

  @ParameterizedTest
  @EnumSource(names = {"ALL", "LAYER_INPUTS"})
  void gradientsWithNormsInsideTheLinearLayersEqualThoseOfTransformers(ForwardPass.Keep keep)
      throws IOException {
    Path fixture = Path.of("src/test/resources/fixtures/rms-norm-online");
    JsonNode seen = new ObjectMapper().readTree(fixture.resolve("expected.json").toFile());
    LlamaModel model = load(fixture, ComputeType.FP32);
    double loss =
        new CrossEntropyLoss(model).accumulateTimed(batch(seen.get("input_ids")), 1, keep).loss();
    assertThat(loss).isCloseTo(seen.get("loss").doubleValue(), within(1e-4));
    assertGradients(model, fixture, 1e-3);
  }

  private static void assertGradients(LlamaModel model, Path fixture, double tolerance)
      throws IOException {
    try (SafetensorsFile gradients = SafetensorsFile.open(fixture.resolve("grads.safetensors"))) {
      for (Parameter parameter : model.parameters()) {
        float[] actual = parameter.gradient().toFloatArray();
        int offset = 0;
        for (TensorSpec tensor : parameter.tensors()) {
          float[] reference = gradients.readFloats(gradients.require(tensor.name()));
          assertThat(relativeError(actual, offset, reference))
              .as(tensor.name())
              .isLessThan(tolerance);
          offset += reference.length;
        }
      }
    }
  }

  private static double relativeError(float[] actual, int offset, float[] reference) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < reference.length; i++) {
      difference += Math.pow(actual[offset + i] - reference[i], 2);
      size += Math.pow(reference[i], 2);
    }
    return Math.sqrt(difference / size);
  }

  @Test
  void weightsAfterThreeStepsEqualThoseOfAdamW() throws IOException {
    LlamaModel model = load(ComputeType.FP32);
    CrossEntropyLoss loss = new CrossEntropyLoss(model);
    try (OptimizerStep optimizer = new OptimizerStep(model.ops(), model.parameters())) {
      for (int step = 0; step < 3; step++) {
        double value = loss.accumulateTimed(batches.get(step), 1, ForwardPass.Keep.ALL).loss();
        assertThat(value).isCloseTo(expected.get("loss").get(step).doubleValue(), within(1e-4));
        float norm = optimizer.gradientNorm();
        assertThat((double) norm)
            .isCloseTo(expected.get("grad_norm").get(step).doubleValue(), within(1e-4));
        optimizer.apply(1e-3, 0.1, norm, 1);
        model.ternarize();
      }
    }
    try (SafetensorsFile after = SafetensorsFile.open(FIXTURE.resolve("after.safetensors"))) {
      for (Parameter parameter : model.parameters()) {
        float[] actual = parameter.value().toFloatArray();
        int offset = 0;
        for (TensorSpec tensor : parameter.tensors()) {
          for (float wanted : after.readFloats(after.require(tensor.name()))) {
            assertThat(actual[offset++]).as(tensor.name()).isCloseTo(wanted, within(1e-5f));
          }
        }
      }
    }
  }

  @Test
  void accumulatedHalvesGiveTheGradientOfTheWhole() throws IOException {
    LlamaModel whole = load(ComputeType.FP32);
    LlamaModel parts = load(ComputeType.FP32);
    TokenBatch batch = batches.get(0);
    new CrossEntropyLoss(whole).accumulateTimed(batch, 1, ForwardPass.Keep.ALL);
    for (int row = 0; row < batch.batch(); row++) {
      int from = row * batch.seq();
      int to = from + batch.seq();
      TokenBatch one =
          new TokenBatch(
              Arrays.copyOfRange(batch.inputs(), from, to),
              Arrays.copyOfRange(batch.targets(), from, to),
              1,
              batch.seq());
      new CrossEntropyLoss(parts).accumulateTimed(one, 1.0 / batch.batch(), ForwardPass.Keep.ALL);
    }
    for (int i = 0; i < whole.parameters().size(); i++) {
      float[] reference = whole.parameters().get(i).gradient().toFloatArray();
      float[] actual = parts.parameters().get(i).gradient().toFloatArray();
      assertThat(relativeError(actual, 0, reference)).isLessThan(1e-4);
    }
  }

  @Test
  void bf16OperandsChangeGradientsByNoMoreThanTheirRounding() throws IOException {
    LlamaModel exact = load(ComputeType.FP32);
    LlamaModel rounded = load(ComputeType.BF16_ON_FP32);
    new CrossEntropyLoss(exact).accumulateTimed(batches.get(0), 1, ForwardPass.Keep.ALL);
    new CrossEntropyLoss(rounded).accumulateTimed(batches.get(0), 1, ForwardPass.Keep.ALL);
    for (int i = 0; i < exact.parameters().size(); i++) {
      float[] reference = exact.parameters().get(i).gradient().toFloatArray();
      float[] actual = rounded.parameters().get(i).gradient().toFloatArray();
      assertThat(relativeError(actual, 0, reference)).isBetween(1e-6, 2e-2);
    }
  }

  @Test
  void nativeBf16AgreesWithTheSameOperandsInFp32() throws IOException {
    LlamaModel onFp32 = load(ComputeType.BF16_ON_FP32);
    LlamaModel onBf16 = load(ComputeType.BF16);
    double wanted =
        new CrossEntropyLoss(onFp32)
            .accumulateTimed(batches.get(0), 1, ForwardPass.Keep.ALL)
            .loss();
    double actual =
        new CrossEntropyLoss(onBf16)
            .accumulateTimed(batches.get(0), 1, ForwardPass.Keep.ALL)
            .loss();
    assertThat(actual).isCloseTo(wanted, within(0.02));
    for (int i = 0; i < onFp32.parameters().size(); i++) {
      float[] reference = onFp32.parameters().get(i).gradient().toFloatArray();
      float[] gradient = onBf16.parameters().get(i).gradient().toFloatArray();
      assertThat(relativeError(gradient, 0, reference)).isLessThan(0.1);
    }
  }

  @Test
  void forcedGarbageCollectionsDoNotChangeALoss() throws IOException {
    assertThat(losses(true)).isEqualTo(losses(false));
  }

  /// 500 steps, because a use after free shows itself only now and then.
  private List<Double> losses(boolean collectGarbage) throws IOException {
    List<Double> losses = new ArrayList<>();
    LlamaModel model = load(ComputeType.FP32);
    CrossEntropyLoss loss = new CrossEntropyLoss(model);
    try (model;
        OptimizerStep optimizer = new OptimizerStep(model.ops(), model.parameters())) {
      for (int step = 0; step < 500; step++) {
        TokenBatch batch = batches.get(step % batches.size());
        losses.add(loss.accumulateTimed(batch, 1, ForwardPass.Keep.ALL).loss());
        if (collectGarbage) {
          System.gc();
        }
        optimizer.apply(1e-3, 0.1, optimizer.gradientNorm(), 1);
        model.ternarize();
      }
    }
    assertThat(losses.getLast()).isLessThan(losses.getFirst());
    return losses;
  }
}
