package bitnet.training;

import bitnet.data.SamplerState;
import java.util.function.Function;

/// Where training batches come from: a pure function of the state, so that a resumed run sees what
/// it would have seen.
///
/// @param batch the batch of a state
/// @param size draws of a batch: the state after it is `state.after(size)`
/// @param drawsPerEpoch draws until everything has been seen once
/// @param <B> a batch
public record BatchSource<B>(Function<SamplerState, B> batch, int size, long drawsPerEpoch) {}
