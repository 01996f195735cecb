package bitnet.report;

import bitnet.metrics.MetricsTable;
import java.util.List;

/// What a plot of a report shows of every run that logged it.
///
/// @param title of the plot
/// @param caption what is measured
/// @param kind the runs that it is about
/// @param sources its curves
record Plot(String title, String caption, Kind kind, List<Source> sources) {

  /// The runs that a plot is about.
  enum Kind {
    CROSS_ENTROPY,
    GRPO,
    BOTH;

    boolean includes(TrainingRun run) {
      return switch (this) {
        case CROSS_ENTROPY -> !run.isGrpo();
        case GRPO -> run.isGrpo();
        case BOTH -> true;
      };
    }
  }

  /// A curve of a plot.
  ///
  /// @param metric the column; `tokens per second` is computed if there is none
  /// @param label what it is called in the legend
  /// @param look how it is drawn
  /// @param smoothed whether its running mean is drawn
  record Source(String metric, String label, Curve.Look look, boolean smoothed) {

    static Source of(String metric, String label, Curve.Look look) {
      return new Source(metric, label, look, false);
    }

    static Source smoothed(String metric, String label, Curve.Look look) {
      return new Source(metric, label, look, true);
    }

    /// The points of a run.
    List<MetricsTable.Point> points(TrainingRun run) {
      List<MetricsTable.Point> points =
          metric.equals(SPEED) ? run.tokensPerSecond() : run.metrics().points(metric);
      return smoothed ? Curve.smoothed(points) : points;
    }
  }

  /// The computed column; no name of a column has spaces.
  static final String SPEED = "tokens per second";

  /// All plots, in the order of the page.
  static final List<Plot> ALL =
      List.of(
          new Plot(
              "Loss",
              "cross-entropy, nats per token",
              Kind.CROSS_ENTROPY,
              List.of(
                  Source.of("loss", "training", Curve.Look.FAINT),
                  Source.of("smoothed_loss", "smoothed", Curve.Look.SOLID),
                  Source.of("eval_loss", "held out", Curve.Look.MARKED))),
          new Plot(
              "Reward",
              "mean over the answers of a step",
              Kind.GRPO,
              List.of(
                  Source.of("reward", "training", Curve.Look.FAINT),
                  Source.smoothed("reward", "smoothed", Curve.Look.SOLID),
                  Source.smoothed("layer2_reward", "corrections", Curve.Look.DASHED),
                  Source.of("eval_reward", "held out", Curve.Look.MARKED))),
          new Plot(
              "Accuracy",
              "share of answers with the right final answer",
              Kind.GRPO,
              List.of(
                  Source.of("accuracy", "training", Curve.Look.FAINT),
                  Source.smoothed("accuracy", "smoothed", Curve.Look.SOLID),
                  Source.of("eval_accuracy", "held out", Curve.Look.MARKED))),
          new Plot(
              "Self-correction in training",
              "accuracy of first answers (t1), of corrections (t2), of first answers after the"
                  + " update (t1′), smoothed",
              Kind.GRPO,
              List.of(
                  Source.smoothed("t1", "t1", Curve.Look.DASHED),
                  Source.smoothed("t1_prime", "t1′", Curve.Look.FAINT),
                  Source.smoothed("t2", "t2", Curve.Look.SOLID))),
          new Plot(
              "Self-correction, held out",
              "accuracy of first answers (t1) and of corrections (t2)",
              Kind.GRPO,
              List.of(
                  Source.of("eval_t1", "t1", Curve.Look.SOLID),
                  Source.of("eval_t2", "t2", Curve.Look.MARKED))),
          new Plot(
              "Incorrect to correct, correct to incorrect",
              "share of first answers that the correction made right, or wrong, smoothed",
              Kind.GRPO,
              List.of(
                  Source.smoothed("incorrect_to_correct", "incorrect to correct", Curve.Look.SOLID),
                  Source.smoothed(
                      "correct_to_incorrect", "correct to incorrect", Curve.Look.DASHED))),
          pair("KL", "to the reference policy, nats per token", "kl"),
          pair("Policy loss", "of the update", "loss"),
          pair("Entropy", "of the policy, nats per token", "entropy"),
          new Plot(
              "Length",
              "mean tokens of an answer",
              Kind.GRPO,
              List.of(Source.of("completion_length_mean", "answers", Curve.Look.SOLID))),
          new Plot(
              "Gradient norm",
              "before clipping",
              Kind.BOTH,
              List.of(
                  Source.of("grad_norm", "every step", Curve.Look.FAINT),
                  Source.smoothed("grad_norm", "smoothed", Curve.Look.SOLID))),
          new Plot(
              "Learning rate",
              "of each step",
              Kind.BOTH,
              List.of(Source.of("lr", "lr", Curve.Look.SOLID))),
          new Plot(
              "Speed",
              "tokens of the text a second",
              Kind.CROSS_ENTROPY,
              List.of(Source.of("tok_s", "tok/s", Curve.Look.SOLID))),
          new Plot(
              "Speed of answering",
              "tokens of all answers in a second of the whole step",
              Kind.GRPO,
              List.of(
                  Source.of(SPEED, "every step", Curve.Look.FAINT),
                  Source.smoothed(SPEED, "smoothed", Curve.Look.SOLID))),
          new Plot(
              "Zeros",
              "share of the ternary weights that are 0",
              Kind.BOTH,
              List.of(Source.of("zero_share", "zero share", Curve.Look.SOLID))),
          new Plot(
              "Flips",
              "share of the ternary weights that changed in 10 steps of train-ce, or in one of"
                  + " train-grpo",
              Kind.BOTH,
              List.of(Source.of("flip_rate", "flip rate", Curve.Look.SOLID))));

  /// A metric of the first layer and, where there is one, of the second.
  private static Plot pair(String title, String caption, String metric) {
    return new Plot(
        title,
        caption,
        Kind.GRPO,
        List.of(
            Source.of(metric, "every step", Curve.Look.FAINT),
            Source.smoothed(metric, "smoothed", Curve.Look.SOLID),
            Source.smoothed("layer2_" + metric, "corrections", Curve.Look.DASHED)));
  }

  /// The names of the columns it shows.
  List<String> metrics() {
    return sources.stream().map(Source::metric).distinct().toList();
  }
}
