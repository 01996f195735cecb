package bitnet.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// The weights of a low-rank adapter, wherever they are.
public interface AdapterWeights {

  /// Its rank, scaling and targets.
  LoraSettings settings();

  /// The [TernaryFingerprint] of the model that it was trained on; empty if that is not known.
  String base();

  /// Reads one parameter as fp32, row-major, in native byte order.
  ///
  /// @param tensor one of [LoraSettings#tensors]
  /// @param target `tensor.count()` floats to fill
  /// @throws IOException if the tensor is missing or has another shape, naming file and tensor
  void read(TensorSpec tensor, MemorySegment target) throws IOException;

  /// The values of one parameter, row-major.
  ///
  /// @param tensor one of [LoraSettings#tensors]
  /// @throws IOException as [#read]
  default float[] values(TensorSpec tensor) throws IOException {
    float[] values = new float[Math.toIntExact(tensor.count())];
    read(tensor, MemorySegment.ofArray(values));
    return values;
  }
}
