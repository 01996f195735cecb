package bitnet.grpo;

import java.util.Locale;

/// How first answers are corrected, in the second layer.
///
/// @param corrections of each first answer, H
/// @param maxLength the most tokens of a correction
/// @param guidance what the policy is told
/// @param verifier names what says which corrections count
/// @param bufferSize the most successful corrections that are remembered
/// @param replayed of these that each later step learns from again
public record CorrectionSettings(
    int corrections,
    int maxLength,
    GuidingPrompts guidance,
    VerifierSpec verifier,
    int bufferSize,
    int replayed) {

  /// The most corrections of a first answer that have a metric each, `corrected_1` and on.
  static final int SHOWN = 3;

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public CorrectionSettings {
    GrpoSettings.atLeast("augmentation_size", corrections, 1);
    GrpoSettings.atLeast("second_max_length", maxLength, 1);
    GrpoSettings.atLeast("buffer_size", bufferSize, 0);
    GrpoSettings.atLeast("replay_size", replayed, 0);
  }

  String fingerprint() {
    return String.format(
        Locale.ROOT,
        "augmentation_size %d, second_max_length %d, guidance %08x, %s, buffer_size %d,"
            + " replay_size %d",
        corrections,
        maxLength,
        guidance.toString().hashCode(),
        verifier,
        bufferSize,
        replayed);
  }
}
