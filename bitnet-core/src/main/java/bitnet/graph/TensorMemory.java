package bitnet.graph;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.jni.ScriptCalls;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// fp32 tensors as plain memory: row-major floats in native byte order.
public final class TensorMemory {

  private TensorMemory() {}

  /// Writes the values of a tensor.
  @FunctionalInterface
  public interface Filler {
    /// Fills all of the memory.
    void fill(MemorySegment memory) throws IOException;
  }

  /// The values of a tensor: its own memory, valid while it is open; a copy if it is on a GPU.
  public static MemorySegment of(NDArray tensor) {
    return tensor.getDevice().isGpu()
        ? MemorySegment.ofBuffer(tensor.toByteBuffer())
        : MemorySegment.ofBuffer(ScriptCalls.memory(tensor));
  }

  /// Replaces the values of a tensor.
  public static void fill(NDArray tensor, Filler filler) throws IOException {
    if (tensor.getDevice().isGpu()) {
      try (NDArray host = tensor.toDevice(Device.cpu(), true)) {
        filler.fill(MemorySegment.ofBuffer(ScriptCalls.memory(host)));
        host.copyTo(tensor);
      }
    } else {
      filler.fill(MemorySegment.ofBuffer(ScriptCalls.memory(tensor)));
    }
  }
}
