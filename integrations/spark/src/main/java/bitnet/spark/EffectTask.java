package bitnet.spark;

import bitnet.diloco.OuterEffect;
import bitnet.diloco.RoundPlan;
import bitnet.diloco.WorkerRound;
import java.io.IOException;
import java.util.ArrayList;

/// Measures the effect of an outer step on an executor.
///
/// @param arguments of the command, which say what is trained
record EffectTask(ArrayList<String> arguments, RoundPlan plan) implements ClusterTask<OuterEffect> {

  @Override
  public OuterEffect run() throws IOException {
    return ExecutorWorkers.with(arguments, worker -> WorkerRound.effect(worker, plan));
  }
}
