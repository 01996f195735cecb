package bitnet.training;

import bitnet.data.SamplerState;

/// Where a run stands, besides its weights and moments. Belongs into the checkpoint.
///
/// @param step steps done
/// @param sampler the place in the data
/// @param guard what the spike guard remembers
/// @param smoothed the smoothed loss
/// @param fingerprint what must be equal when the run is resumed
public record TrainingState(
    long step,
    SamplerState sampler,
    SpikeGuard.State guard,
    SmoothedLoss smoothed,
    String fingerprint)
    implements RunState {

  /// A run that has not begun.
  static TrainingState start(long seed, String fingerprint) {
    return new TrainingState(
        0, SamplerState.start(seed), SpikeGuard.State.start(), SmoothedLoss.start(), fingerprint);
  }
}
