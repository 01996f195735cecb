package bitnet.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The latent (full-precision) weights of a model, wherever they are stored.
public interface LatentWeights {

  /// The dimensions of the model.
  LlamaConfig config();

  /// Reads one parameter as fp32, row-major, in native byte order.
  ///
  /// @param tensor one of `config().tensors()`
  /// @param target `tensor.count() * 4` bytes to fill
  /// @throws IOException if the tensor is missing or has another shape, naming file and tensor
  void read(TensorSpec tensor, MemorySegment target) throws IOException;

  /// Reads whole rows of one parameter, so that a tensor may be larger than memory. Weights that
  /// can only be read at once are, and take the memory of the tensor meanwhile.
  ///
  /// @param tensor one of `config().tensors()`
  /// @param first index of the first value; the beginning of a row of a matrix
  /// @param target as many floats as are wanted, whole rows of a matrix
  /// @throws IOException if the tensor is missing or has another shape, naming file and tensor
  default void read(TensorSpec tensor, long first, MemorySegment target) throws IOException {
    try (Arena scope = Arena.ofShared()) {
      MemorySegment whole = scope.allocate(tensor.count() * Float.BYTES, Float.BYTES);
      read(tensor, whole);
      MemorySegment.copy(whole, first * Float.BYTES, target, 0, target.byteSize());
    }
  }

  /// Whether these are the weights that the model was made or trained with; otherwise only their
  /// trits and scales are known, and the latents are some that quantize to them.
  default boolean hasLatents() {
    return true;
  }

  /// These weights in a model that quantizes the inputs of its ternary layers in another way.
  ///
  /// @throws IllegalArgumentException if that needs group scales, and there are none
  default LatentWeights withActivations(ActivationScale scale) {
    LlamaConfig config = config().withActivations(scale);
    LatentWeights weights = this;
    return new LatentWeights() {
      @Override
      public LlamaConfig config() {
        return config;
      }

      @Override
      public void read(TensorSpec tensor, MemorySegment target) throws IOException {
        weights.read(tensor, target);
      }

      @Override
      public void read(TensorSpec tensor, long first, MemorySegment target) throws IOException {
        weights.read(tensor, first, target);
      }

      @Override
      public boolean hasLatents() {
        return weights.hasLatents();
      }
    };
  }
}
