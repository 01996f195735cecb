package bitnet.spark;

import bitnet.training.CrossEntropyWorker;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The models and texts that an executor's JVM has opened for training, for the tasks of later
/// rounds: one for each task that runs at the same time.
///
/// Static, as nothing else lives as long as an executor. A round overwrites all of a model, so that
/// it does not matter which one a task gets.
final class ExecutorWorkers {
  private static final Deque<Idle> IDLE = new ArrayDeque<>();

  private ExecutorWorkers() {}

  private record Idle(List<String> arguments, CrossEntropyWorker worker) {}

  /// A function of an open worker.
  ///
  /// @param <R> the result
  @FunctionalInterface
  interface Work<R> {
    /// Computes it.
    R run(CrossEntropyWorker worker) throws IOException;
  }

  /// Does something with a worker of a run, opened if none is idle. One that fails is not used
  /// again.
  ///
  /// @param arguments of the driver's command
  /// @throws TaskRefusal if the run's files cannot be opened here
  static <R> R with(List<String> arguments, Work<R> work) throws IOException {
    CrossEntropyWorker worker = take(arguments);
    if (worker == null) {
      worker = open(arguments);
    }
    R result;
    try {
      result = work.run(worker);
    } catch (IOException | RuntimeException failure) {
      worker.close();
      throw failure;
    }
    synchronized (IDLE) {
      IDLE.push(new Idle(List.copyOf(arguments), worker));
    }
    return result;
  }

  private static @Nullable CrossEntropyWorker take(List<String> arguments) {
    synchronized (IDLE) {
      Idle found = null;
      for (Idle idle : IDLE) {
        if (idle.arguments().equals(arguments)) {
          found = idle;
        }
      }
      if (found == null) {
        return null;
      }
      IDLE.remove(found);
      return found.worker();
    }
  }

  private static CrossEntropyWorker open(List<String> arguments) throws TaskRefusal {
    try {
      return CrossEntropyWorker.open(SparkTrainCe.run(arguments), line -> {});
    } catch (IOException | RuntimeException | LinkageError failure) {
      throw new TaskRefusal(
          "%s: %s; executors need the same files and native libraries as the driver"
              .formatted(ExecutorModels.executor(), Failures.reason(failure)));
    }
  }

  /// Closes the idle workers of this JVM.
  static void clear() throws IOException {
    synchronized (IDLE) {
      while (!IDLE.isEmpty()) {
        IDLE.pop().worker().close();
      }
    }
  }
}
