package bitnet.generation;

import bitnet.grammar.TokenGrammar;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What to generate.
///
/// @param maxTokens the most new tokens
/// @param stopStrings the text ends before the first of these
/// @param sampling how tokens are drawn
/// @param recorded whether tokens carry the distribution that they were drawn from, for training
/// @param grammar form of the text, or null for any; a text that is complete ends
public record GenerationSettings(
    int maxTokens,
    List<String> stopStrings,
    SamplingSettings sampling,
    boolean recorded,
    @Nullable TokenGrammar grammar) {

  /// Checks the settings and copies the list.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public GenerationSettings {
    if (maxTokens < 1) {
      throw new IllegalArgumentException(
          "max_length %d is below 1; use 128 to get up to 128 new tokens".formatted(maxTokens));
    }
    stopStrings = List.copyOf(stopStrings);
    if (stopStrings.contains("")) {
      throw new IllegalArgumentException(
          "a stop string is empty, which would end every text at once; leave it out");
    }
  }

  /// Settings that record the tokens only, not their distributions.
  public GenerationSettings(int maxTokens, List<String> stopStrings, SamplingSettings sampling) {
    this(maxTokens, stopStrings, sampling, false, null);
  }

  /// These settings, with the distribution of each token recorded.
  public GenerationSettings withRecord() {
    return new GenerationSettings(maxTokens, stopStrings, sampling, true, grammar);
  }

  /// These settings with other stop strings.
  ///
  /// @throws IllegalArgumentException if one is empty
  public GenerationSettings withStopStrings(List<String> other) {
    return new GenerationSettings(maxTokens, other, sampling, recorded, grammar);
  }

  /// These settings with a form that the text must have.
  public GenerationSettings withGrammar(TokenGrammar form) {
    return new GenerationSettings(maxTokens, stopStrings, sampling, recorded, form);
  }

  /// Settings without stop strings.
  public static GenerationSettings of(int maxTokens, SamplingSettings sampling) {
    return new GenerationSettings(maxTokens, List.of(), sampling);
  }
}
