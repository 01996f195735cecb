package bitnet.training;

import bitnet.data.SamplerState;
import java.util.Map;

/// Where a run stands, besides its weights and moments. Belongs into the checkpoint.
///
/// @param step steps done
/// @param sampler the place in the data
/// @param guard what the spike guard remembers
/// @param smoothed the smoothed loss
/// @param options that must be equal when the run is resumed
public record TrainingState(
    long step,
    SamplerState sampler,
    SpikeGuard.State guard,
    SmoothedLoss smoothed,
    Map<String, String> options)
    implements RunState {

  /// A run that has not begun.
  static TrainingState start(long seed, Map<String, String> options) {
    return new TrainingState(
        0, SamplerState.start(seed), SpikeGuard.State.start(), SmoothedLoss.start(), options);
  }
}
