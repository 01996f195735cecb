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
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/// Options of the second layer of `train-grpo`.
public final class CorrectionOptions {
  private static final String TWO_LAYER = "--two_layer";
  private static final String GUIDING_PROMPT = "--guiding_prompt";
  private static final String GUIDING_SCHEDULE = "--guiding_schedule";
  private static final List<String> OTHERS =
      List.of(
          "--augmentation_size",
          "--second_max_length",
          GUIDING_PROMPT,
          "--guiding_probabilities",
          GUIDING_SCHEDULE,
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
          "Two-layer GRPO (MGRPO): also learn to correct first answers; --csv_log then has the first"
              + " accepted corrections of each step as texts. The options from here to --t1_prime belong"
              + " to the second layer.")
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
      names = GUIDING_PROMPT,
      arity = "1..*",
      paramLabel = "TEXT|FILE",
      description =
          "Guiding prompts that ask for a correction: texts, or files of texts (one per line, or a"
              + " JSON list); one is drawn per first answer. "
              + QaTemplate.QUERY
              + " is replaced by the question (default: \""
              + QaTemplate.GUIDING_PROMPT
              + "\").")
  private List<String> guidingPrompts = new ArrayList<>();

  @Option(
      names = "--guiding_probabilities",
      arity = "1..*",
      split = ",",
      paramLabel = "P",
      description =
          "Weight of each guiding prompt, from 0; they are normalized to probabilities (default:"
              + " equal).")
  private List<Double> guidingProbabilities = new ArrayList<>();

  @Option(
      names = GUIDING_SCHEDULE,
      arity = "1..*",
      split = ",",
      paramLabel = "I",
      description =
          "Order of the guiding prompts: indices from 0, one per step, starting again after the"
              + " last; overrides --guiding_probabilities (default: none).")
  private List<String> guidingSchedule = new ArrayList<>();

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
  /// @param maxLength tokens of a first answer
  /// @param resumed the options of the checkpoint to resume; empty for a new run
  public Optional<CorrectionSettings> settings(
      ParseResult given, int maxLength, Map<String, String> resumed) throws IOException {
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
            guidance(resumed),
            new VerifierSpec(verifier, improvementThreshold),
            CorrectionAdvantage.of(advantage),
            new CorrectionSettings.Replay(bufferSize, replaySize, replayMaxAge),
            answersAgain));
  }

  private GuidingPrompts guidance(Map<String, String> resumed) throws IOException {
    if (guidingSchedule.size() == 1
        && !guidingSchedule.getFirst().matches("-?\\d+")
        && GuidingPrompts.isFile(guidingSchedule.getFirst())) {
      return formerSchedule(Path.of(guidingSchedule.getFirst()));
    }
    List<String> phrases = new ArrayList<>();
    for (String textOrFile : guidingPrompts) {
      phrases.addAll(GuidingPrompts.phrases(textOrFile));
    }
    GuidingPrompts prompts =
        guidingPrompts.isEmpty() ? GuidingPrompts.defaults(resumed) : GuidingPrompts.of(phrases);
    return prompts
        .withSchedule(guidingSchedule.stream().map(CorrectionOptions::index).toList())
        .withProbabilities(guidingProbabilities);
  }

  /// Version 0.1.0 had the phrases themselves in the schedule, as a file.
  private GuidingPrompts formerSchedule(Path file) throws IOException {
    if (!guidingPrompts.isEmpty()) {
      throw new IllegalArgumentException(
          "%s %s is a file of phrases, but %s has phrases too; give indices of these, like %s 0 1"
              .formatted(GUIDING_SCHEDULE, file, GUIDING_PROMPT, GUIDING_SCHEDULE));
    }
    return GuidingPrompts.of(GuidingPrompts.read(file)).inTurn();
  }

  private static int index(String text) {
    try {
      return Integer.parseInt(text.strip());
    } catch (NumberFormatException failure) {
      throw new IllegalArgumentException(
          "%s \"%s\" is not an index; give whole numbers from 0, like %s 0 2 1"
              .formatted(GUIDING_SCHEDULE, text, GUIDING_SCHEDULE),
          failure);
    }
  }
}
