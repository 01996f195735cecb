package bitnet.spark;

import java.io.IOException;
import java.io.Serializable;
import org.apache.spark.broadcast.Broadcast;
import org.jspecify.annotations.Nullable;

/// Draws some completions on an executor, and scores them.
///
/// @param setup a [RolloutSetup]
/// @param policy that completions are drawn from
/// @param request a [bitnet.grpo.RolloutRequest]
record RolloutTask(byte[] setup, Policy policy, byte[] request)
    implements ClusterTask<RolloutTask.Result> {

  /// A policy that was broadcast.
  ///
  /// @param version among those of the setup
  /// @param whole a former version, whole
  /// @param changes of this version from it
  record Policy(long version, Broadcast<byte[][]> whole, Broadcast<byte[] @Nullable []> changes)
      implements Serializable {}

  /// What came out.
  ///
  /// @param rollouts `[prompt][sample]`
  /// @param executor where
  /// @param samplingSeconds what drawing took
  /// @param scoringSeconds what scoring took
  record Result(byte[] rollouts, String executor, double samplingSeconds, double scoringSeconds)
      implements Serializable {}

  @Override
  public Result run() throws IOException {
    return ExecutorRollouts.draw(this);
  }
}
