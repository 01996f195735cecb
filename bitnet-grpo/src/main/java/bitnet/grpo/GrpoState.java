package bitnet.grpo;

import bitnet.data.SamplerState;
import bitnet.training.RunState;
import bitnet.training.SpikeGuard;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Where a GRPO run stands, besides weights and moments. Belongs into the checkpoint.
///
/// @param step steps done
/// @param sampler the position among the questions
/// @param guard what the guard of updates remembers
/// @param tokens drawn so far, prompts not counted
/// @param buffer corrections to learn from again
/// @param options that must be equal when the run is resumed
/// @param rate how the learning rate follows its steps; null in files of version 0.1.0
/// @param heldOut evaluations so far; null in files of version 0.1.0
record GrpoState(
    long step,
    SamplerState sampler,
    SpikeGuard.State guard,
    long tokens,
    ReplayBuffer buffer,
    Map<String, String> options,
    @Nullable RateControl rate,
    @Nullable HeldOutHistory heldOut)
    implements RunState {

  static GrpoState start(long seed, Map<String, String> options) {
    return new GrpoState(
        0,
        SamplerState.start(seed),
        SpikeGuard.State.start(),
        0,
        ReplayBuffer.EMPTY,
        options,
        RateControl.START,
        HeldOutHistory.NONE);
  }

  /// The factor of the learning rate.
  RateControl control() {
    return rate == null ? RateControl.START : rate;
  }

  /// The evaluations so far.
  HeldOutHistory history() {
    return heldOut == null ? HeldOutHistory.NONE : heldOut;
  }

  GrpoState with(SpikeGuard.State other) {
    return new GrpoState(step, sampler, other, tokens, buffer, options, rate, heldOut);
  }

  GrpoState with(ReplayBuffer other) {
    return new GrpoState(step, sampler, guard, tokens, other, options, rate, heldOut);
  }

  GrpoState with(RateControl other) {
    return new GrpoState(step, sampler, guard, tokens, buffer, options, other, heldOut);
  }

  GrpoState with(HeldOutHistory other) {
    return new GrpoState(step, sampler, guard, tokens, buffer, options, rate, other);
  }

  GrpoState withTokens(long more) {
    return new GrpoState(step, sampler, guard, tokens + more, buffer, options, rate, heldOut);
  }

  /// After a step that has drawn so many questions.
  GrpoState next(int questions) {
    return new GrpoState(
        step + 1, sampler.after(questions), guard, tokens, buffer, options, rate, heldOut);
  }
}
