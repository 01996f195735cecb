package bitnet.cli.option;

import bitnet.grpo.GrpoSettings;
import bitnet.grpo.KeepBest;
import bitnet.grpo.OnRegression;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of the evaluation during `train-grpo`.
public final class GrpoEvaluationOptions {

  @Option(
      names = "--eval_interval",
      defaultValue = "50",
      paramLabel = "N",
      description =
          "Evaluate on --eval_dataset every N steps; 0: only at the end (default: "
              + "${DEFAULT-VALUE}).")
  private long evalInterval;

  @Option(
      names = "--eval_samples",
      defaultValue = "4",
      paramLabel = "N",
      description =
          "Answers per question of --eval_dataset that are sampled as in training, for the metric "
              + "eval_sampled, in addition to a greedy one; 0: none (default: ${DEFAULT-VALUE}).")
  private int evalSamples;

  @Option(
      names = "--keep_best",
      paramLabel = "M",
      description =
          "Write the model of the evaluation with the highest eval_sampled or eval_accuracy, the "
              + "start included; none: that of the last step (default: eval_sampled with "
              + "--eval_dataset, else none).")
  private @Nullable String keepBest;

  @Option(
      names = "--on_regression",
      defaultValue = "warn",
      paramLabel = "R",
      description =
          "When accuracy on --eval_dataset falls significantly below the start: warn, halve the "
              + "learning rate, or stop (default: ${DEFAULT-VALUE}).")
  private String onRegression;

  @Option(
      names = "--start_answers",
      defaultValue = "256",
      paramLabel = "N",
      description =
          "Completions of training questions that are sampled before the first step, to warn of "
              + "a start from which GRPO learns little; 0: none (default: ${DEFAULT-VALUE}).")
  private int startAnswers;

  private GrpoEvaluationOptions() {}

  /// How the policy is evaluated.
  ///
  /// @param heldOut whether there are questions to evaluate on
  public GrpoSettings.Evaluation evaluation(boolean heldOut) {
    KeepBest best = keepBest == null ? bestByDefault(heldOut) : KeepBest.of(keepBest);
    OnRegression reaction = OnRegression.of(onRegression);
    if (!heldOut) {
      requireQuestions("--keep_best", best.key(), KeepBest.NONE.key());
      requireQuestions("--on_regression", reaction.key(), OnRegression.WARN.key());
    }
    return new GrpoSettings.Evaluation(evalInterval, evalSamples, best, reaction, startAnswers);
  }

  private KeepBest bestByDefault(boolean heldOut) {
    if (!heldOut) {
      return KeepBest.NONE;
    }
    return evalSamples > 0 ? KeepBest.EVAL_SAMPLED : KeepBest.EVAL_ACCURACY;
  }

  private static void requireQuestions(String option, String value, String none) {
    if (!value.equals(none)) {
      throw new IllegalArgumentException(
          "%s %s needs questions to evaluate on; add --eval_dataset FILE".formatted(option, value));
    }
  }
}
