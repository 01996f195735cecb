package bitnet.cli.option;

import bitnet.data.QaTemplate;
import bitnet.grpo.CorrectionSettings;
import bitnet.grpo.GuidingPrompts;
import bitnet.grpo.VerifierSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/// Options of the second layer of `train-grpo`.
public final class CorrectionOptions {
  private static final String TWO_LAYER = "--two_layer";
  private static final List<String> OTHERS =
      List.of(
          "--augmentation_size",
          "--second_max_length",
          "--guiding_prompt",
          "--guiding_probabilities",
          "--guiding_schedule",
          "--verifier",
          "--improvement_threshold",
          "--buffer_size",
          "--replay_size");

  @Option(
      names = TWO_LAYER,
      description = "Learn to correct first answers too; the options below are of that layer.")
  private boolean twoLayer;

  @Option(
      names = "--augmentation_size",
      defaultValue = "2",
      paramLabel = "H",
      description = "Corrections of each first answer (default: ${DEFAULT-VALUE}).")
  private int augmentationSize;

  @Option(
      names = "--second_max_length",
      paramLabel = "N",
      description = "The most tokens of a correction (default: --max_length).")
  private @Nullable Integer secondMaxLength;

  @Option(
      names = "--guiding_prompt",
      paramLabel = "TEXT|FILE",
      description =
          "The phrase that asks for a correction, or a file of several, one a line or a JSON list,"
              + " of which one is drawn; "
              + QaTemplate.QUERY
              + " in it stands for the question (default: \""
              + QaTemplate.GUIDING_PROMPT
              + "\").")
  private @Nullable String guidingPrompt;

  @Option(
      names = "--guiding_probabilities",
      arity = "1..*",
      split = ",",
      paramLabel = "P",
      description = "How often each of them is drawn (default: all alike).")
  private List<Double> guidingProbabilities = new ArrayList<>();

  @Option(
      names = "--guiding_schedule",
      paramLabel = "FILE",
      description =
          "Phrases to take in turn, one a step, instead of --guiding_prompt: one a line, or a JSON"
              + " list.")
  private @Nullable Path guidingSchedule;

  @Option(
      names = "--verifier",
      defaultValue = VerifierSpec.DEFAULT,
      paramLabel = "V",
      description =
          "Which corrections count: answer_or_reward (right, or better by more than the threshold),"
              + " answer, reward, or a class that implements bitnet.grpo.Verifier (default:"
              + " ${DEFAULT-VALUE}).")
  private String verifier;

  @Option(
      names = "--improvement_threshold",
      defaultValue = "0",
      paramLabel = "X",
      description = "What a reward must rise by to count (default: ${DEFAULT-VALUE}).")
  private double improvementThreshold;

  @Option(
      names = "--buffer_size",
      defaultValue = "256",
      paramLabel = "N",
      description = "Successful corrections that are remembered (default: ${DEFAULT-VALUE}).")
  private int bufferSize;

  @Option(
      names = "--replay_size",
      defaultValue = "8",
      paramLabel = "N",
      description =
          "How many of them each later step learns from again (default: ${DEFAULT-VALUE}).")
  private int replaySize;

  private CorrectionOptions() {}

  /// @param given the command line, to refuse options that would have no effect
  public Optional<CorrectionSettings> settings(ParseResult given, int maxLength)
      throws IOException {
    if (!twoLayer) {
      for (String option : OTHERS) {
        if (given.hasMatchedOption(option)) {
          throw new IllegalArgumentException(option + " means nothing without --two_layer; add it");
        }
      }
      return Optional.empty();
    }
    return Optional.of(
        new CorrectionSettings(
            augmentationSize,
            secondMaxLength == null ? maxLength : secondMaxLength,
            guidance(),
            new VerifierSpec(verifier, improvementThreshold),
            bufferSize,
            replaySize));
  }

  private GuidingPrompts guidance() throws IOException {
    if (guidingSchedule != null) {
      if (guidingPrompt != null) {
        throw new IllegalArgumentException(
            "--guiding_prompt and --guiding_schedule both say what to write; give one");
      }
      return new GuidingPrompts(GuidingPrompts.read(guidingSchedule), guidingProbabilities, true);
    }
    return new GuidingPrompts(
        GuidingPrompts.phrases(guidingPrompt == null ? QaTemplate.GUIDING_PROMPT : guidingPrompt),
        guidingProbabilities,
        false);
  }
}
