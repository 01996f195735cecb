package bitnet.grpo;

import bitnet.graph.LlamaModel;
import java.io.IOException;

/// Keeps the model of a run's best evaluation.
@FunctionalInterface
public interface BestModel {

  /// Keeps the model as it is now, in place of an earlier one.
  void keep(LlamaModel model) throws IOException;
}
