package bitnet.spark;

import bitnet.eval.EvaluatedModel;
import bitnet.eval.Evaluation;
import bitnet.eval.EvaluationRun;
import bitnet.eval.Sample;
import bitnet.eval.SamplesFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkEnv;
import org.jspecify.annotations.Nullable;

/// The model that an executor's JVM has loaded, for all of its tasks.
///
/// Static, as nothing else lives as long as an executor. One task computes at a time, with all
/// threads that the options give the model: two at once would share the same cores.
final class ExecutorModels {
  private static final Object LOCK = new Object();
  private static @Nullable Held<?> current;

  private ExecutorModels() {}

  /// An open model with what it is evaluated by.
  ///
  /// @param key what [EvaluationRun#key] is for both
  /// @param owned whether it is closed when another one is loaded
  record Held<S extends Sample>(
      String key, Evaluation<S> evaluation, EvaluatedModel model, boolean owned) {

    /// One model may be evaluated under two names.
    boolean isOf(EvaluationTask task) {
      return key.equals(task.key()) && model.name().equals(task.model());
    }

    /// Evaluates records, in turn with other tasks.
    EvaluationTask.Result evaluate(int from, int to) throws IOException {
      synchronized (LOCK) {
        long start = System.nanoTime();
        ArrayList<String> lines = new ArrayList<>();
        for (int first = from; first < to; first += evaluation.chunk()) {
          int last = Math.min(to, first + evaluation.chunk());
          for (S sample : evaluation.evaluate(model, key, first, last)) {
            lines.add(SamplesFile.line(sample));
          }
        }
        return new EvaluationTask.Result(lines, executor(), (System.nanoTime() - start) / 1e9);
      }
    }
  }

  /// The driver's model while it is shared.
  interface Shared extends AutoCloseable {
    @Override
    void close();
  }

  /// Lets tasks in this JVM use a model of the driver.
  static <S extends Sample> Shared share(
      String key, Evaluation<S> evaluation, EvaluatedModel model) {
    Held<S> held = new Held<>(key, evaluation, model, false);
    synchronized (LOCK) {
      replace(held);
    }
    return () -> {
      synchronized (LOCK) {
        if (held.equals(current)) {
          current = null;
        }
      }
    };
  }

  /// The model of a task, loaded if this JVM does not have it.
  ///
  /// @throws TaskRefusal if it is not here, or is not the driver's
  static Held<?> hold(EvaluationTask task) throws TaskRefusal {
    synchronized (LOCK) {
      Held<?> held = current;
      if (held == null || !held.isOf(task)) {
        held = open(task);
        replace(held);
      }
      return held;
    }
  }

  private static void replace(Held<?> next) {
    Held<?> before = current;
    current = next;
    if (before != null && before.owned()) {
      before.model().close();
    }
  }

  private static Held<?> open(EvaluationTask task) throws TaskRefusal {
    List<String> arguments = task.arguments();
    EvaluatedModel model;
    try {
      model = EvaluatedModel.open(task.model(), task.location(), SparkEvaluate.runtime(arguments));
    } catch (IOException | IllegalArgumentException | LinkageError failure) {
      throw refusal(failure);
    }
    try {
      Evaluation<?> evaluation = SparkEvaluate.evaluation(arguments);
      String key = EvaluationRun.key(evaluation, model);
      if (!key.equals(task.key())) {
        throw new TaskRefusal(
            "%s: the files of %s or of the records differ from the driver's; copy them again, or use storage that all machines share"
                .formatted(executor(), task.path()));
      }
      return new Held<>(key, evaluation, model, true);
    } catch (TaskRefusal refusal) {
      model.close();
      throw refusal;
    } catch (IOException | IllegalArgumentException failure) {
      model.close();
      throw refusal(failure);
    }
  }

  private static TaskRefusal refusal(Throwable failure) {
    return new TaskRefusal(
        "%s: %s; executors need the files at the same paths as the driver"
            .formatted(executor(), Failures.reason(failure)));
  }

  /// Where this is, for people.
  static String executor() {
    SparkEnv env = SparkEnv.get();
    return env == null
        ? "this process"
        : "executor %s on %s"
            .formatted(env.executorId(), env.blockManager().blockManagerId().host());
  }
}
