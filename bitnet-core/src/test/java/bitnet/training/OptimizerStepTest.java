package bitnet.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.graph.TorchOps.AdamWSettings;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptimizerStepTest {

  /// Two steps on one weight of 1 with gradients of 2 and 1, beta1 1/2, beta2 3/4, epsilon 1/2 and
  /// a rate of 0.1. First: moments 1 and 1, corrected 2 and 4, so 0.1 * 2 / (2 + 1/2) = 0.08.
  /// Second: moments 1 and 1, corrected 4/3 and 16/7, so 0.1 * 4/3 / (1.5118579 + 1/2) = 0.0662737.
  @Test
  void stepsAreThoseOfAdamWithItsBetasAndEpsilon() {
    try (NDManager manager = NDManager.newBaseManager()) {
      Parameter weight = Parameter.zeros(manager, "weight", 1);
      weight.value().addi(1);
      AdamWSettings settings = new AdamWSettings(0.5, 0.75, 0.5);
      try (OptimizerStep optimizer =
          new OptimizerStep(new TorchOps(manager), List.of(weight), settings)) {
        weight.gradient().addi(2);
        optimizer.apply(0.1, 0, 2, 0);
        assertThat(weight.value().toFloatArray()[0]).isCloseTo(0.92f, within(1e-6f));

        weight.gradient().addi(1);
        optimizer.apply(0.1, 0, 1, 0);
        assertThat(weight.value().toFloatArray()[0]).isCloseTo(0.8537263f, within(1e-6f));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0.95, 1e-8, adam_beta1 1.0 is not from 0 to below 1; use 0.9",
    "0.9, -0.1, 1e-8, adam_beta2 -0.1 is not from 0 to below 1; use 0.95",
    "0.9, NaN, 1e-8, adam_beta2 NaN is not from 0 to below 1; use 0.95",
    "0.9, 0.95, 0, adam_epsilon 0.0 is not a finite number above 0; use 1e-8",
  })
  void constantsOutsideOfTheirRangesAreRefused(
      double beta1, double beta2, double epsilon, String message) {
    assertThatThrownBy(() -> new AdamWSettings(beta1, beta2, epsilon))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void changedBetaIsNamedAndCheckpointsWithoutOneHadTheFormerConstants() {
    OptimizerSettings settings = TrainingSettings.defaults(10).optimizer();
    Map<String, String> saved = settings.options("iters").values();
    OptimizerSettings other = settings.withAdamW(new AdamWSettings(0.9, 0.999, 1e-8));

    assertThat(other.options("iters").differences(saved))
        .containsExactly("adam_beta2 was 0.95, now 0.999");

    Map<String, String> former = new HashMap<>(saved);
    former.keySet().removeIf(name -> name.startsWith("adam_"));
    assertThat(settings.options("iters").differences(former)).isEmpty();
    assertThat(other.options("iters").differences(former))
        .containsExactly("adam_beta2 was 0.95, now 0.999");
  }
}
