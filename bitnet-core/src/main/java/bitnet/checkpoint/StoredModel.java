package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.model.LatentWeights;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;

/// A model in files of a known form: latent weights for training, ternary weights for inference,
/// and how both are stored. Conversions know this interface only.
interface StoredModel extends LatentWeights, TernaryWeights, Closeable {

  /// How a parameter is stored.
  ///
  /// @throws CheckpointException if it is missing or damaged
  Storage storage(TensorSpec tensor) throws IOException;

  /// The narrowest floating-point type that holds a parameter exactly.
  ///
  /// @param latent whether a ternary parameter is meant by its latent weights
  /// @throws CheckpointException if it is missing or damaged
  DType exactType(TensorSpec tensor, boolean latent) throws IOException;

  /// Whether this is a model directory of this toolkit.
  default boolean isNative() {
    return false;
  }

  /// Whether this toolkit wrote the files, as far as they say.
  default boolean isOurs() {
    return true;
  }

  /// Checks what opening does not: digests of the files, where they are known.
  ///
  /// @throws CheckpointException naming the file that is damaged
  default void verify() throws IOException {}

  /// What a user should know about a model that is converted.
  default List<String> remarks() {
    return List.of();
  }

  /// The form of one stored parameter.
  ///
  /// @param type for example `BF16`, or `U8` of packed trits
  /// @param bytes what it takes up with its scales
  record Storage(String type, long bytes) {}

  /// Whether the weights are those of a model that was not trained as a ternary one.
  default boolean isFullPrecision() {
    return false;
  }
}
