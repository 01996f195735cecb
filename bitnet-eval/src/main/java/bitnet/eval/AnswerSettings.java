package bitnet.eval;

import bitnet.data.QaTemplate;
import bitnet.generation.GenerationSettings;
import bitnet.setting.SettingChecks;
import java.util.Optional;

/// How questions are asked.
///
/// @param batchSize sequences that are written together; changes the speed only
/// @param samples first answers to each question
/// @param generation how an answer is written
/// @param reasoning whether the reasoning is evaluated too
/// @param correction how an answer is corrected; empty to take the first one
public record AnswerSettings(
    int batchSize,
    int samples,
    GenerationSettings generation,
    boolean reasoning,
    Optional<Correction> correction) {

  /// A second try.
  ///
  /// @param guidingPrompt a sentence that asks for a check, as in [QaTemplate#correctionPrompt]
  /// @param corrections of each first answer, H
  /// @param maxTokens the most new tokens of a correction
  public record Correction(String guidingPrompt, int corrections, int maxTokens) {

    /// Checks the settings.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Correction {
      if (guidingPrompt.isBlank()) {
        throw new IllegalArgumentException(
            "guiding_prompt is blank; give a sentence like \"%s\""
                .formatted(QaTemplate.GUIDING_PROMPT.strip()));
      }
      SettingChecks.atLeast("augmentation_size", corrections, 1);
      if (maxTokens < 1) {
        throw new IllegalArgumentException(
            "second_max_length %d is below 1; use 128 to get up to 128 new tokens"
                .formatted(maxTokens));
      }
    }
  }

  /// Checks the settings.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public AnswerSettings {
    requireBatch(batchSize);
    SettingChecks.atLeast("samples", samples, 1);
    requireDifferent("samples", samples, "answer", generation);
    correction.ifPresent(
        each ->
            requireDifferent("augmentation_size", each.corrections(), "correction", generation));
  }

  private static void requireDifferent(
      String setting, int count, String what, GenerationSettings generation) {
    if (count > 1 && generation.sampling().temperature() == 0) {
      throw new IllegalArgumentException(
          "%s %d with temperature 0 gives the same %s %d times; add --temperature 0.8"
              .formatted(setting, count, what, count));
    }
  }

  /// Corrections of all first answers to a question; 0 where there are none.
  int secondAnswers() {
    return samples * correction.map(Correction::corrections).orElse(0);
  }

  static void requireBatch(int batchSize) {
    if (batchSize < 1) {
      throw new IllegalArgumentException(
          "batch_size %d must be at least 1; use 16".formatted(batchSize));
    }
  }
}
