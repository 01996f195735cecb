package bitnet.spark;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;

/// Evaluates some records on an executor.
///
/// @param arguments of the command, which say how
/// @param model its name
/// @param path of the model
/// @param key what [bitnet.eval.EvaluationRun#key] is for the driver: another one here means other
///     files or settings
/// @param from the first record
/// @param to the record after the last
record EvaluationTask(
    ArrayList<String> arguments, String model, String path, String key, int from, int to)
    implements ClusterTask<EvaluationTask.Result> {

  /// What came out.
  ///
  /// @param lines the samples, as in a samples file
  /// @param executor where
  /// @param seconds in which the model computed
  record Result(ArrayList<String> lines, String executor, double seconds) implements Serializable {}

  @Override
  public Result run() throws IOException {
    return ExecutorModels.hold(this).evaluate(from, to);
  }
}
