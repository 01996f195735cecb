package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongConsumer;

/// Writes models in one form, tensor by tensor, so that memory does not grow with the model.
interface ModelWriter {

  /// Writes a model.
  ///
  /// @param target the directory or file; appears complete or not at all
  /// @param source an open model
  /// @param existing what to do with a model that is at the target
  /// @param progress receives the number of parameters written so far
  /// @return remarks for the user about what the form could not keep; may be empty
  /// @throws IllegalArgumentException if the form cannot hold this model, or the target may not be
  ///     replaced, saying what to do instead
  /// @throws CheckpointException if the source is damaged or the disk has not enough space
  List<String> write(
      Path target, ModelSource source, ModelDirectory.Existing existing, LongConsumer progress)
      throws IOException;
}
