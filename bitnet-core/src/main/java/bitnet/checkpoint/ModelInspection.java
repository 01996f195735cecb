package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// What is in a model: every parameter in the order of the model.
///
/// @param config its dimensions
/// @param tensors one for each of `config.tensors()`
public record ModelInspection(LlamaConfig config, List<TensorInspection> tensors) {

  /// Copies the list.
  public ModelInspection {
    tensors = List.copyOf(tensors);
  }

  /// Reads every parameter of an open model; memory grows with the largest linear layer only.
  ///
  /// @throws CheckpointException naming the first damaged parameter
  public static ModelInspection of(ModelSource source) throws IOException {
    TernaryWeights weights = source.ternary();
    List<TensorInspection> tensors = new ArrayList<>();
    for (TensorSpec tensor : weights.config().tensors()) {
      tensors.add(inspect(source, weights, tensor));
    }
    return new ModelInspection(weights.config(), tensors);
  }

  static TensorInspection inspect(ModelSource source, TernaryWeights weights, TensorSpec tensor)
      throws IOException {
    StoredModel.Storage storage = source.storage(tensor);
    TensorInspection.Content content =
        tensor.kind() == TensorSpec.Kind.TERNARY
            ? TensorInspection.ternary(weights.ternary(tensor))
            : TensorInspection.floats(weights, tensor);
    return new TensorInspection(tensor, storage.type(), storage.bytes(), content);
  }

  /// The size of all parameters in the files.
  public long bytes() {
    return tensors.stream().mapToLong(TensorInspection::bytes).sum();
  }
}
