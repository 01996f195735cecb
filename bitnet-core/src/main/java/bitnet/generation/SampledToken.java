package bitnet.generation;

import org.jspecify.annotations.Nullable;

/// A drawn token and how probable it was.
///
/// @param id the token
/// @param logProbability natural logarithm of its probability in the distribution that it was drawn
///     from, after penalty, temperature and filters; 0 for a greedy choice
/// @param modelLogProbability natural logarithm of its probability in the model's own distribution:
///     the softmax of the logits as they came
/// @param distribution that it was drawn from; null unless it was asked for
public record SampledToken(
    int id,
    double logProbability,
    double modelLogProbability,
    @Nullable SamplingDistribution distribution) {

  /// A token without the distribution that it was drawn from.
  public SampledToken(int id, double logProbability, double modelLogProbability) {
    this(id, logProbability, modelLogProbability, null);
  }
}
