package bitnet.cli.option;

import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import java.util.List;
import picocli.CommandLine.Option;

/// How text is written. Commands differ in what they take where nothing is said: their mixin is
/// made with it.
final class SamplingOptions {

  /// The names of the options.
  static final List<String> NAMES =
      List.of(
          "--max_length",
          "--stop",
          "--temperature",
          "--top_k",
          "--top_p",
          "--min_p",
          "--repetition_penalty");

  @Option(
      names = "--max_length",
      paramLabel = "N",
      description = "The most new tokens (default: ${DEFAULT-VALUE}).")
  private int maxLength;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End the text before this one; may be repeated.")
  private List<String> stops = List.of();

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description =
          "Below 1 the probable becomes more probable; 0: always the most probable token"
              + " (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--top_k",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Draw from the N most probable tokens; 0: from all (default: ${DEFAULT-VALUE}).")
  private int topK;

  @Option(
      names = "--top_p",
      defaultValue = "1",
      paramLabel = "X",
      description =
          "Draw from the most probable tokens that together have probability X (default:"
              + " ${DEFAULT-VALUE}).")
  private double topP;

  @Option(
      names = "--min_p",
      defaultValue = "0",
      paramLabel = "X",
      description =
          "Draw from tokens at least X times as probable as the most probable (default:"
              + " ${DEFAULT-VALUE}).")
  private double minP;

  @Option(
      names = "--repetition_penalty",
      defaultValue = "1",
      paramLabel = "X",
      description = "Above 1, tokens seen before become less probable (default: ${DEFAULT-VALUE}).")
  private double repetitionPenalty;

  /// @param maxLength the default of `--max_length`
  /// @param temperature the default of `--temperature`
  SamplingOptions(int maxLength, double temperature) {
    this.maxLength = maxLength;
    this.temperature = temperature;
  }

  /// @param seed of the draws
  GenerationSettings settings(long seed) {
    return new GenerationSettings(
        maxLength,
        stops,
        new SamplingSettings(temperature, topK, topP, minP, repetitionPenalty, seed));
  }
}
