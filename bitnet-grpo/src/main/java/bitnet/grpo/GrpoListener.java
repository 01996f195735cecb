package bitnet.grpo;

import bitnet.training.TrainingListener;
import java.io.IOException;
import java.util.List;

/// Hears what a GRPO run does.
public interface GrpoListener extends TrainingListener {

  /// The answers of a step were sampled and scored.
  ///
  /// @param answers first answers, those to one query together, then corrections
  void drew(List<CompletionRecord> answers) throws IOException;

  /// Something that people should know: what the start is like, or that accuracy has fallen.
  default void noticed(String line) throws IOException {}
}
