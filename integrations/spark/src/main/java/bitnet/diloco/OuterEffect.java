package bitnet.diloco;

import java.io.Serializable;

/// What an outer step did to the first worker's weights.
///
/// @param lossBefore held-out loss of that worker's own weights, nats per token; NaN without a text
/// @param lossAfter held-out loss of the joined weights; NaN without a text
/// @param flipped the share of its trits that differ in the joined weights
public record OuterEffect(double lossBefore, double lossAfter, double flipped)
    implements Serializable {}
