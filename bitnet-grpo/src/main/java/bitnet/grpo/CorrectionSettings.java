package bitnet.grpo;

import bitnet.setting.SettingChecks;
import bitnet.training.OptionValues;

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
    SettingChecks.atLeast("augmentation_size", corrections, 1);
    SettingChecks.atLeast("second_max_length", maxLength, 1);
    SettingChecks.atLeast("buffer_size", bufferSize, 0);
    SettingChecks.atLeast("replay_size", replayed, 0);
  }

  /// What must be equal when a run is resumed.
  OptionValues options() {
    return new OptionValues()
        .put("augmentation_size", corrections)
        .put("second_max_length", maxLength)
        .put("guiding_prompt", "%08x".formatted(guidance.toString().hashCode()))
        .put("verifier", verifier.name())
        .put("improvement_threshold", verifier.improvementThreshold())
        .put("buffer_size", bufferSize)
        .put("replay_size", replayed);
  }
}
