package bitnet.diloco;

import bitnet.training.CrossEntropyWorker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// Runs the workers of a round one after the other in this process.
public final class SequentialRounds implements RoundExecutor {
  private final CrossEntropyWorker worker;

  /// @param worker closed by its owner
  public SequentialRounds(CrossEntropyWorker worker) {
    this.worker = worker;
  }

  @Override
  public List<RoundResult> run(RoundPlan plan) throws IOException {
    List<RoundResult> results = new ArrayList<>();
    for (int shard = 0; shard < plan.workers(); shard++) {
      results.add(WorkerRound.run(worker, plan, shard, "this process", () -> {}));
    }
    return results;
  }

  @Override
  public OuterEffect effect(RoundPlan plan) throws IOException {
    return WorkerRound.effect(worker, plan);
  }
}
