package bitnet.energy;

import oshi.SystemInfo;
import oshi.hardware.CentralProcessor;

/// How busy this machine's processors are, with all that runs on them.
final class ProcessorLoad {
  private final CentralProcessor processor = new SystemInfo().getHardware().getProcessor();
  private final long[] start = processor.getSystemCpuLoadTicks();

  /// The mean share of the time in which the processors had work, 0 to 1.
  double sinceStart() {
    return Math.clamp(processor.getSystemCpuLoadBetweenTicks(start), 0, 1);
  }
}
