package bitnet.generation;

/// What training needs to know of the distribution that a token was drawn from, after penalty,
/// temperature and filters.
///
/// @param entropy in nats
/// @param candidates the tokens that the filters kept, in ascending order; empty if all were kept
public record SamplingDistribution(double entropy, int[] candidates) {}
