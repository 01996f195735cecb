package bitnet.grpo;

import bitnet.data.SamplerState;
import bitnet.training.RunState;
import bitnet.training.SpikeGuard;
import java.util.Map;

/// Where a GRPO run stands, besides weights and moments. Belongs into the checkpoint.
///
/// @param step steps done
/// @param sampler the place among the queries
/// @param guard what the guard of updates remembers
/// @param tokens drawn so far, prompts not counted
/// @param buffer corrections to learn from again
/// @param options that must be equal when the run is resumed
record GrpoState(
    long step,
    SamplerState sampler,
    SpikeGuard.State guard,
    long tokens,
    ReplayBuffer buffer,
    Map<String, String> options)
    implements RunState {

  static GrpoState start(long seed, Map<String, String> options) {
    return new GrpoState(
        0, SamplerState.start(seed), SpikeGuard.State.start(), 0, ReplayBuffer.EMPTY, options);
  }

  GrpoState with(SpikeGuard.State other) {
    return new GrpoState(step, sampler, other, tokens, buffer, options);
  }

  GrpoState with(ReplayBuffer other) {
    return new GrpoState(step, sampler, guard, tokens, other, options);
  }

  GrpoState withTokens(long more) {
    return new GrpoState(step, sampler, guard, tokens + more, buffer, options);
  }

  /// After a step.
  GrpoState next(int queries) {
    return new GrpoState(step + 1, sampler.after(queries), guard, tokens, buffer, options);
  }
}
