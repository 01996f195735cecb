package bitnet.cli.option;

import bitnet.data.QaTemplate;
import bitnet.grpo.CorrectionAdvantage;
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
          "--correction_advantage",
          "--buffer_size",
          "--replay_size",
          "--replay_max_age",
          "--t1_prime");

  @Option(
      names = TWO_LAYER,
      description =
          "Two-layer GRPO (MGRPO): also learn to correct first answers. The options "
              + "below belong to the second layer.")
  private boolean twoLayer;

  @Option(
      names = "--augmentation_size",
      defaultValue = "2",
      paramLabel = "H",
      description = "Corrections sampled per first answer (default: ${DEFAULT-VALUE}).")
  private int augmentationSize;

  @Option(
      names = "--second_max_length",
      paramLabel = "N",
      description = "Maximum number of tokens of a correction (default: --max_length).")
  private @Nullable Integer secondMaxLength;

  @Option(
      names = "--guiding_prompt",
      paramLabel = "TEXT|FILE",
      description =
          "Guiding prompt that asks for a correction: a text, or a file with several (one per line,"
              + " or a JSON list): one is drawn per prompt; "
              + QaTemplate.QUERY
              + " is replaced by the question (default: \""
              + QaTemplate.GUIDING_PROMPT
              + "\").")
  private @Nullable String guidingPrompt;

  @Option(
      names = "--guiding_probabilities",
      arity = "1..*",
      split = ",",
      paramLabel = "P",
      description = "Probability of each guiding prompt (default: equal).")
  private List<Double> guidingProbabilities = new ArrayList<>();

  @Option(
      names = "--guiding_schedule",
      paramLabel = "FILE",
      description =
          "File of guiding prompts (one per line, or a JSON list) that are used in "
              + "order, one per step, instead of --guiding_prompt.")
  private @Nullable Path guidingSchedule;

  @Option(
      names = "--verifier",
      defaultValue = VerifierSpec.DEFAULT,
      paramLabel = "V",
      description =
          "Which corrections are accepted: answer_or_reward (correct, or better by more "
              + "than --improvement_threshold), answer, reward, or a class that implements "
              + "bitnet.grpo.Verifier (default: ${DEFAULT-VALUE}).")
  private String verifier;

  @Option(
      names = "--improvement_threshold",
      defaultValue = "0",
      paramLabel = "X",
      description = "Minimum reward gain of an accepted correction (default: ${DEFAULT-VALUE}).")
  private double improvementThreshold;

  @Option(
      names = "--correction_advantage",
      defaultValue = "improved",
      paramLabel = "A",
      description =
          "Advantage of a correction: improved (rise of the reward over the first answer, for "
              + "accepted corrections only), signed (the difference of the rewards, for all "
              + "corrections) or group (relative to the corrections of the same first answer) "
              + "(default: ${DEFAULT-VALUE}).")
  private String advantage;

  @Option(
      names = "--buffer_size",
      defaultValue = "256",
      paramLabel = "N",
      description =
          "Capacity of the replay buffer of accepted corrections (default: ${DEFAULT-VALUE}).")
  private int bufferSize;

  @Option(
      names = "--replay_size",
      defaultValue = "8",
      paramLabel = "N",
      description = "Corrections replayed from the buffer per step (default: ${DEFAULT-VALUE}).")
  private int replaySize;

  @Option(
      names = "--replay_max_age",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Forget corrections in the buffer after N steps; 0: never (default: ${DEFAULT-VALUE}).")
  private long replayMaxAge;

  @Option(
      names = "--t1_prime",
      description =
          "Answer the questions of each step again after its updates, for the metric t1_prime: a "
              + "figure of training questions that costs another rollout.")
  private boolean answersAgain;

  private CorrectionOptions() {}

  /// The settings of the second layer, if it is asked for.
  ///
  /// @param given the command line, to refuse options that would have no effect
  public Optional<CorrectionSettings> settings(ParseResult given, int maxLength)
      throws IOException {
    if (!twoLayer) {
      for (String option : OTHERS) {
        if (given.hasMatchedOption(option)) {
          throw new IllegalArgumentException(option + " has no effect without --two_layer; add it");
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
            CorrectionAdvantage.of(advantage),
            new CorrectionSettings.Replay(bufferSize, replaySize, replayMaxAge),
            answersAgain));
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
