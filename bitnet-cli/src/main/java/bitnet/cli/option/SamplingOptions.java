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
      description = "Maximum number of tokens to generate (default: ${DEFAULT-VALUE}).")
  private int maxLength;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "Stop before this text; may be repeated.")
  private List<String> stops = List.of();

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description =
          "Sampling temperature, at least 0; 0: greedy decoding (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--top_k",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Top-k sampling: keep the N most probable tokens; 0: all (default: "
              + "${DEFAULT-VALUE}).")
  private int topK;

  @Option(
      names = "--top_p",
      defaultValue = "1",
      paramLabel = "P",
      description =
          "Nucleus sampling: keep the smallest set of tokens whose total probability "
              + "reaches P, above 0 and at most 1 (default: ${DEFAULT-VALUE}).")
  private double topP;

  @Option(
      names = "--min_p",
      defaultValue = "0",
      paramLabel = "P",
      description =
          "Min-p sampling: keep tokens at least P times as probable as the most probable "
              + "one, from 0 to 1 (default: ${DEFAULT-VALUE}).")
  private double minP;

  @Option(
      names = "--repetition_penalty",
      defaultValue = "1",
      paramLabel = "X",
      description =
          "Penalty of tokens that already occur, above 0; 1: none (default: "
              + "${DEFAULT-VALUE}).")
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
