package bitnet.graph;

import ai.djl.Device;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Turns the value of `--device` into a device that is really there.
public final class DeviceSelector {
  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}))?");

  private final IntSupplier gpuCount;
  private final BooleanSupplier appleSilicon;

  /// Asks DJL's PyTorch engine, which is loaded only where the answer depends on it.
  public DeviceSelector() {
    this(
        () -> TorchEngine.get().getGpuCount(),
        () ->
            System.getProperty("os.name").startsWith("Mac")
                && System.getProperty("os.arch").equals("aarch64"));
  }

  DeviceSelector(IntSupplier gpuCount, BooleanSupplier appleSilicon) {
    this.gpuCount = gpuCount;
    this.appleSilicon = appleSilicon;
  }

  /// The device of a flag: `cpu`; `cuda`, the first GPU, or `cuda:1`; `mps`, the GPU of a Mac;
  /// `auto`, the first NVIDIA GPU or else the CPU, and MPS only on request.
  ///
  /// @throws IllegalArgumentException if there is no such flag or no such device here
  public SelectedDevice select(String flag) {
    Matcher cuda = CUDA.matcher(flag);
    if (cuda.matches()) {
      return cuda(flag, cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)));
    }
    return switch (flag) {
      case "auto" -> automatic();
      case "cpu" -> new SelectedDevice(Device.cpu(), "cpu, as asked");
      case "mps" -> mps();
      default -> throw unknown(flag);
    };
  }

  /// Refuses a flag that [#select] does not know, without looking for a device.
  ///
  /// @throws IllegalArgumentException listing the flags
  public static void requireKnown(String flag) {
    if (!flag.matches("auto|cpu|mps") && !CUDA.matcher(flag).matches()) {
      throw unknown(flag);
    }
  }

  private static IllegalArgumentException unknown(String flag) {
    return new IllegalArgumentException(
        "device \"%s\" is not known; use one of auto, cpu, cuda, cuda:1, mps".formatted(flag));
  }

  /// Whether the flag can mean anything but the CPU here, told without loading the engine: `auto`
  /// finds an NVIDIA GPU only where the environment names a CUDA build of libtorch.
  public boolean mayBeGpu(String flag) {
    return switch (flag) {
      case "cpu" -> false;
      case "auto" ->
          System.getenv("PYTORCH_LIBRARY_PATH") != null
              || String.valueOf(System.getenv("PYTORCH_FLAVOR")).startsWith("cu");
      default -> true;
    };
  }

  private SelectedDevice automatic() {
    int count = gpuCount.getAsInt();
    return count > 0
        ? new SelectedDevice(Device.gpu(0), "cuda:0, the first of %d GPUs".formatted(count))
        : new SelectedDevice(Device.cpu(), "cpu, since the PyTorch engine reports no GPU");
  }

  private SelectedDevice cuda(String flag, int index) {
    int count = gpuCount.getAsInt();
    if (count == 0) {
      throw new IllegalArgumentException(
          "device %s is not there: the PyTorch engine reports no GPU; use cpu, or set"
                  .formatted(flag)
              + " PYTORCH_LIBRARY_PATH and PYTORCH_FLAVOR to a CUDA build of libtorch");
    }
    if (index >= count) {
      throw new IllegalArgumentException(
          "device %s is not there: %d GPUs are reported; use cuda:0 to cuda:%d"
              .formatted(flag, count, count - 1));
    }
    return new SelectedDevice(Device.gpu(index), "cuda:%d, as asked".formatted(index));
  }

  private SelectedDevice mps() {
    if (!appleSilicon.getAsBoolean()) {
      throw new IllegalArgumentException(
          "device mps is not there: it is the GPU of a Mac with Apple silicon, and this is %s %s;"
                  .formatted(System.getProperty("os.name"), System.getProperty("os.arch"))
              + " use cpu");
    }
    return new SelectedDevice(Device.of("mps", -1), "mps, as asked");
  }
}
