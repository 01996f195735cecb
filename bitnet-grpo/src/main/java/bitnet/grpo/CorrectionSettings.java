package bitnet.grpo;

import bitnet.data.QaTemplate;
import bitnet.setting.SettingChecks;
import bitnet.training.OptionValues;
import java.util.List;

/// How first answers are corrected, in the second layer.
///
/// @param corrections of each first answer, H
/// @param maxLength maximum number of tokens of a correction
/// @param guidance the guiding prompts
/// @param verifier decides which corrections are accepted
/// @param advantage of a correction
/// @param replay of accepted corrections in later steps
/// @param answersAgain whether each step's questions are answered again after both updates, for the
///     metric `t1_prime`
public record CorrectionSettings(
    int corrections,
    int maxLength,
    GuidingPrompts guidance,
    VerifierSpec verifier,
    CorrectionAdvantage advantage,
    Replay replay,
    boolean answersAgain) {

  /// The most corrections of a first answer that have a metric each, `accepted_ratio_1` and on, and
  /// the accepted corrections of a step whose texts are logged, `corrected_1` and on.
  static final int SHOWN = 3;

  /// Accepted corrections that later steps learn from again.
  ///
  /// @param bufferSize the most corrections that are remembered
  /// @param size of these how many each later step learns from
  /// @param maxAge the most steps that a correction is remembered; 0: no limit
  public record Replay(int bufferSize, int size, long maxAge) {

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Replay {
      SettingChecks.atLeast("buffer_size", bufferSize, 0);
      SettingChecks.atLeast("replay_size", size, 0);
      SettingChecks.atLeast("replay_max_age", maxAge, 0);
    }
  }

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public CorrectionSettings {
    SettingChecks.atLeast("augmentation_size", corrections, 1);
    SettingChecks.atLeast("second_max_length", maxLength, 1);
    if (advantage == CorrectionAdvantage.GROUP && corrections < 2) {
      throw new IllegalArgumentException(
          "correction_advantage group compares the corrections of a first answer, but"
              + " augmentation_size is %d; use 2 or more".formatted(corrections));
    }
  }

  /// The defaults: two corrections of each first answer, learning from improvements, a replay of 8
  /// of up to 256.
  ///
  /// @param maxLength maximum number of tokens of a correction
  public static CorrectionSettings defaults(int maxLength) {
    return new CorrectionSettings(
        2,
        maxLength,
        GuidingPrompts.of(List.of(QaTemplate.GUIDING_PROMPT)),
        new VerifierSpec(VerifierSpec.DEFAULT, 0),
        CorrectionAdvantage.IMPROVED,
        new Replay(256, 8, 0),
        false);
  }

  /// These settings with another number of corrections.
  public CorrectionSettings withCorrections(int other) {
    return new CorrectionSettings(
        other, maxLength, guidance, verifier, advantage, replay, answersAgain);
  }

  /// These settings with other guiding prompts.
  public CorrectionSettings withGuidance(GuidingPrompts other) {
    return new CorrectionSettings(
        corrections, maxLength, other, verifier, advantage, replay, answersAgain);
  }

  /// These settings with another verifier.
  public CorrectionSettings withVerifier(VerifierSpec other) {
    return new CorrectionSettings(
        corrections, maxLength, guidance, other, advantage, replay, answersAgain);
  }

  /// These settings with another advantage.
  public CorrectionSettings withAdvantage(CorrectionAdvantage other) {
    return new CorrectionSettings(
        corrections, maxLength, guidance, verifier, other, replay, answersAgain);
  }

  /// These settings with another replay.
  public CorrectionSettings withReplay(Replay other) {
    return new CorrectionSettings(
        corrections, maxLength, guidance, verifier, advantage, other, answersAgain);
  }

  /// These settings with or without the metric `t1_prime`.
  public CorrectionSettings withAnswersAgain(boolean other) {
    return new CorrectionSettings(
        corrections, maxLength, guidance, verifier, advantage, replay, other);
  }

  /// What must be equal when a run is resumed. Checkpoints of version 0.1.0 learned from all
  /// corrections.
  OptionValues options() {
    return new OptionValues()
        .put("augmentation_size", corrections)
        .put("second_max_length", maxLength)
        .putContent(GuidingPrompts.OPTION, guidance.digest())
        .put("verifier", verifier.name())
        .put("improvement_threshold", verifier.improvementThreshold())
        .put("correction_advantage", advantage.key(), CorrectionAdvantage.SIGNED.key())
        .put("buffer_size", replay.bufferSize())
        .put("replay_size", replay.size())
        .put("replay_max_age", replay.maxAge(), 0);
  }
}
