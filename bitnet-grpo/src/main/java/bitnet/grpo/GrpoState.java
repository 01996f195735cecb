package bitnet.grpo;

import bitnet.data.SamplerState;
import bitnet.training.RunState;
import bitnet.training.SpikeGuard;

/// Where a GRPO run stands, besides weights and moments. Belongs into the checkpoint.
///
/// @param step steps done
/// @param sampler the place among the queries
/// @param guard what the guard of updates remembers
/// @param tokens drawn so far, prompts not counted
/// @param buffer corrections to learn from again
/// @param fingerprint what must be equal when the run is resumed
record GrpoState(
    long step,
    SamplerState sampler,
    SpikeGuard.State guard,
    long tokens,
    ReplayBuffer buffer,
    String fingerprint)
    implements RunState {

  static GrpoState start(long seed, String fingerprint) {
    return new GrpoState(
        0, SamplerState.start(seed), SpikeGuard.State.start(), 0, ReplayBuffer.EMPTY, fingerprint);
  }

  GrpoState with(SpikeGuard.State other) {
    return new GrpoState(step, sampler, other, tokens, buffer, fingerprint);
  }

  GrpoState with(ReplayBuffer other) {
    return new GrpoState(step, sampler, guard, tokens, other, fingerprint);
  }

  GrpoState withTokens(long more) {
    return new GrpoState(step, sampler, guard, tokens + more, buffer, fingerprint);
  }

  /// After a step.
  GrpoState next(int queries) {
    return new GrpoState(step + 1, sampler.after(queries), guard, tokens, buffer, fingerprint);
  }
}
