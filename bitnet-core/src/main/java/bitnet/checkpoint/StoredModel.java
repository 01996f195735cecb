package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.model.TensorSpec;
import java.io.IOException;

/// Weights that lie in files of a known form.
interface StoredModel {

  /// How a parameter is stored.
  ///
  /// @throws CheckpointException if it is missing or damaged
  Storage storage(TensorSpec tensor) throws IOException;

  /// The form of one stored parameter.
  ///
  /// @param type for example `BF16`, or `U8` of packed trits
  /// @param bytes what it takes up with its scales
  record Storage(String type, long bytes) {}
}
