package bitnet.cli.option;

import bitnet.data.QaTemplate;
import bitnet.eval.AnswerSettings;
import bitnet.generation.GenerationSettings;
import bitnet.grpo.GuidingPrompts;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// How `bitnet evaluate` asks questions: the options that `--task qa` and `reasoning` have and
/// others have not.
public final class AnswerOptions {
  private static final String AUGMENTATION_SIZE = "--augmentation_size";
  private static final String SECOND_MAX_LENGTH = "--second_max_length";
  private static final String GUIDING_PROMPT = "--guiding_prompt";

  private static final int MAX_LENGTH = 256;
  private static final double TEMPERATURE = 0;

  /// Their names.
  public static final List<String> NAMES =
      Stream.concat(
              SamplingOptions.NAMES.stream(),
              Stream.of(
                  "--samples", "--two_layer", AUGMENTATION_SIZE, GUIDING_PROMPT, SECOND_MAX_LENGTH))
          .toList();

  @Mixin private SamplingOptions sampling = new SamplingOptions(MAX_LENGTH, TEMPERATURE);

  @Option(
      names = "--samples",
      defaultValue = "1",
      paramLabel = "N",
      description =
          "First answers sampled per question, at least 1; several also give majority vote and pass@k"
              + " (default: ${DEFAULT-VALUE}).")
  private int samples;

  @Option(
      names = "--two_layer",
      description = "Also ask the model to correct each of its answers (second layer).")
  private boolean twoLayer;

  @Option(
      names = AUGMENTATION_SIZE,
      defaultValue = "1",
      paramLabel = "H",
      description =
          "Corrections sampled per first answer, with --two_layer, at least 1 (default:"
              + " ${DEFAULT-VALUE}).")
  private int augmentationSize;

  @Option(
      names = GUIDING_PROMPT,
      defaultValue = QaTemplate.GUIDING_PROMPT,
      paramLabel = "TEXT|FILE",
      description =
          "Guiding prompt that asks for a correction, as in training; "
              + QaTemplate.QUERY
              + " is replaced by the question (default: \"${DEFAULT-VALUE}\").")
  private String guidingPrompt;

  @Option(
      names = SECOND_MAX_LENGTH,
      paramLabel = "N",
      description = "Maximum number of tokens of a correction (default: --max_length).")
  private @Nullable Integer secondMaxLength;

  private AnswerOptions() {}

  /// The settings of an evaluation.
  ///
  /// @param given whether an option was given, by its name
  public AnswerSettings settings(
      int batchSize, long seed, boolean reasoning, Predicate<String> given) throws IOException {
    for (String option : List.of(AUGMENTATION_SIZE, GUIDING_PROMPT, SECOND_MAX_LENGTH)) {
      if (!twoLayer && given.test(option)) {
        throw new IllegalArgumentException(
            option
                + " has no effect without a second try; add --two_layer"
                + (option.equals(AUGMENTATION_SIZE)
                    ? ", or use --samples for several answers to each question"
                    : ""));
      }
    }
    GenerationSettings generation = sampling.settings(seed);
    return new AnswerSettings(
        batchSize,
        samples,
        generation,
        reasoning,
        twoLayer
            ? Optional.of(
                new AnswerSettings.Correction(
                    GuidingPrompts.phrase(guidingPrompt),
                    augmentationSize,
                    secondMaxLength == null ? generation.maxTokens() : secondMaxLength))
            : Optional.empty());
  }
}
