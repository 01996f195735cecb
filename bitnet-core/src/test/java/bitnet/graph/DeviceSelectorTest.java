package bitnet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.engine.Engine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceSelectorTest {
  @ParameterizedTest
  @CsvSource({
    "auto, 0, cpu, -1",
    "auto, 2, gpu, 0",
    "cpu, 2, cpu, -1",
    "cuda, 2, gpu, 0",
    "cuda:1, 2, gpu, 1",
    "mps, 0, mps, -1",
  })
  void aFlagBecomesADeviceThatIsThere(String flag, int gpus, String type, int index) {
    SelectedDevice selected = new DeviceSelector(() -> gpus, () -> true).select(flag);

    assertThat(selected.device()).isEqualTo(Device.of(type, index));
    assertThat(selected.reason()).isNotBlank();
  }

  @ParameterizedTest
  @CsvSource({
    "cuda, 0, 'device cuda is not there: the PyTorch engine reports no GPU; use cpu, or set'",
    "cuda:2, 2, 'device cuda:2 is not there: 2 GPUs are reported; use cuda:0 to cuda:1'",
    "mps, 0, 'device mps is not there: it is the GPU of a Mac with Apple silicon, and this is'",
    "tpu, 1, 'device \"tpu\" is not known; use one of auto, cpu, cuda, cuda:1, mps'",
    "cuda:-1, 1, 'device \"cuda:-1\" is not known'",
  })
  void anAbsentDeviceIsRefusedWithTheReasonAndARemedy(String flag, int gpus, String message) {
    DeviceSelector selector = new DeviceSelector(() -> gpus, () -> false);

    assertThatThrownBy(() -> selector.select(flag))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void theCpuIsSelectedWithoutLoadingTheEngine() {
    DeviceSelector selector =
        new DeviceSelector(
            () -> {
              throw new AssertionError("the engine was asked");
            },
            () -> false);

    assertThat(selector.select("cpu").device()).isEqualTo(Device.cpu());
  }

  @Test
  void automaticSelectionAgreesWithTheEngine() {
    assertThat(new DeviceSelector().select("auto").device())
        .isEqualTo(Engine.getEngine("PyTorch").defaultDevice());
  }
}
