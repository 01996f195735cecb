package bitnet.grpo;

/// Says which corrections count: these are remembered and learned from again. Implementations with
/// a public constructor without parameters can be named on the command line by their class.
public interface Verifier {

  /// A correction and the first answer.
  ///
  /// @param query what was asked
  /// @param reference the right answer
  /// @param first the first answer
  /// @param corrected the second
  /// @param firstReward of the first
  /// @param correctedReward of the second
  record Correction(
      String query,
      String reference,
      String first,
      String corrected,
      double firstReward,
      double correctedReward) {}

  /// Whether a correction counts.
  boolean accepts(Correction correction);
}
