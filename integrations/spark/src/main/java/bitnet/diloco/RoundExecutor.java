package bitnet.diloco;

import java.io.IOException;
import java.util.List;

/// Where the workers of a round run: one after the other in this process, or on a cluster. The
/// results are the same, but for times and places.
public interface RoundExecutor {

  /// Runs all workers of a round.
  ///
  /// @return in the order of the shards
  /// @throws bitnet.training.TrainingException if a worker's training diverges
  List<RoundResult> run(RoundPlan plan) throws IOException;

  /// Measures the effect of the outer step after a round.
  OuterEffect effect(RoundPlan plan) throws IOException;
}
