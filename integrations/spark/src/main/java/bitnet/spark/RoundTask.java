package bitnet.spark;

import bitnet.diloco.RoundPlan;
import bitnet.diloco.RoundResult;
import bitnet.diloco.WorkerRound;
import bitnet.training.TrainingException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;

/// A worker's part of a round on an executor.
///
/// @param arguments of the command, which say what is trained
/// @param shard the worker's part of the text
/// @param hangTimeout longest time between two steps; zero: any
record RoundTask(ArrayList<String> arguments, RoundPlan plan, int shard, Duration hangTimeout)
    implements ClusterTask<RoundResult> {

  @Override
  public RoundResult run() throws IOException {
    String place = ExecutorModels.executor();
    try {
      return ExecutorWorkers.with(
          arguments,
          worker -> {
            try (Watchdog watchdog = Watchdog.ofProcess(hangTimeout)) {
              return WorkerRound.run(worker, plan, shard, place, watchdog::beat);
            }
          });
    } catch (TrainingException diverged) {
      throw new TaskRefusal("worker %d: %s".formatted(shard, diverged.getMessage()));
    }
  }
}
