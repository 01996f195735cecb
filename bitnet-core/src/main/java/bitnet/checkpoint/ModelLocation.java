package bitnet.checkpoint;

import java.nio.file.Path;
import java.util.Optional;

/// Where a model is, and the adapter that it is used with.
///
/// @param model for [ModelSource#open(Path)]
/// @param adapter for [AdapterDirectory#open]; empty for none
public record ModelLocation(Path model, Optional<Path> adapter) {

  /// A model without an adapter.
  public static ModelLocation of(Path model) {
    return new ModelLocation(model, Optional.empty());
  }
}
