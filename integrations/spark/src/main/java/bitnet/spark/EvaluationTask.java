package bitnet.spark;

import bitnet.checkpoint.ModelLocation;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Optional;

/// Evaluates some records on an executor.
///
/// @param arguments of the command, which say how
/// @param model its name
/// @param path of the model
/// @param adapter path of its adapter; empty for none
/// @param key what [bitnet.eval.EvaluationRun#key] is for the driver: another one here means other
///     files or settings
/// @param from the first record
/// @param to the record after the last
record EvaluationTask(
    ArrayList<String> arguments,
    String model,
    String path,
    String adapter,
    String key,
    int from,
    int to)
    implements ClusterTask<EvaluationTask.Result> {

  /// What came out.
  ///
  /// @param lines the samples, as in a samples file
  /// @param executor where
  /// @param seconds in which the model computed
  record Result(ArrayList<String> lines, String executor, double seconds) implements Serializable {}

  /// Where the model is, and its adapter.
  ModelLocation location() {
    return new ModelLocation(
        Path.of(path), adapter.isEmpty() ? Optional.empty() : Optional.of(Path.of(adapter)));
  }

  @Override
  public Result run() throws IOException {
    return ExecutorModels.hold(this).evaluate(from, to);
  }
}
