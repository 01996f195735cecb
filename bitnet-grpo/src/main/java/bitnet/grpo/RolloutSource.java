package bitnet.grpo;

import java.io.IOException;

/// Where completions are drawn and scored: in this process, or elsewhere. Their numbers do not
/// depend on where.
public interface RolloutSource {

  /// Draws completions from the policy as it was packed last, and scores them.
  ///
  /// @throws IOException if that fails elsewhere
  ScoredRollouts draw(RolloutRequest request) throws IOException;

  /// What was sent elsewhere since the last call, for people; empty if nothing was.
  default String sent() {
    return "";
  }

  /// Opens a source for a policy.
  @FunctionalInterface
  interface Factory {
    /// Opens it.
    ///
    /// @param sampler of the policy in this process
    /// @param rewards of the completions in this process
    ///
    /// @throws IOException if what rewards have learned cannot be read
    RolloutSource open(RolloutSampler sampler, RewardStage rewards) throws IOException;
  }
}
