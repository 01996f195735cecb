package bitnet.model;

import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// The weights that inference uses, wherever they are stored: trits with scales for the linear
/// layers, floating point for the rest.
public interface TernaryWeights {

  /// The dimensions of the model.
  LlamaConfig config();

  /// The trits of a linear layer; valid as long as these weights.
  ///
  /// @param tensor one of `config().tensors()` of kind [TensorSpec.Kind#TERNARY]
  /// @throws IOException if the tensor is missing or damaged, naming file and tensor
  TernaryRows ternary(TensorSpec tensor) throws IOException;

  /// Reads rows of an embedding, a head or a norm gain as fp32, in native byte order. A vector is
  /// one row. Several threads may read at once.
  ///
  /// @param tensor one of `config().tensors()` that is not [TensorSpec.Kind#TERNARY]
  /// @param firstRow the first row
  /// @param rows how many rows
  /// @param target as many floats as these rows have
  /// @throws IOException if the tensor is missing or damaged, naming file and tensor
  void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target) throws IOException;

  /// Whether linear layers are to be computed in full precision: they have no trits, and
  /// [#readRows] reads them as well.
  default boolean isDense() {
    return false;
  }

  /// Lets go of the memory that what was read so far takes, where it is a mapped file's: read
  /// again, it comes back.
  default void unload() {}
}
