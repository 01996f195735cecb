package bitnet.training;

/// How a learning rate falls once it has warmed up. A time is the share of the steps after warm-up
/// that is left: 1 at the peak, 0 at the end.
public sealed interface LearningRateDecay {

  /// The factor on the peak learning rate.
  ///
  /// @param left the time left, from 1 to 0
  /// @param secondHalf whether at least half of all steps, warm-up included, are done
  double factor(double left, boolean secondHalf);

  /// The factor on the weight decay.
  ///
  /// @param secondHalf whether at least half of all steps, warm-up included, are done
  default double weightDecayFactor(boolean secondHalf) {
    return 1;
  }

  /// Its name on the command line.
  String key();

  /// The decay of that name on the command line: `two-stage` (second peak 2/3 of the first, as in
  /// the BitNet b1.58 recipes), `cosine` (to a tenth, as in LLaMA), `linear`, `constant`.
  ///
  /// @throws IllegalArgumentException if there is none
  static LearningRateDecay of(String name) {
    return switch (name) {
      case "two-stage" -> new TwoStage(2.0 / 3);
      case "cosine" -> new Cosine(0.1);
      case "linear" -> new Linear();
      case "constant" -> new Constant();
      default ->
          throw new IllegalArgumentException(
              "lr_schedule \"%s\" is unknown; use two-stage, cosine, linear or constant"
                  .formatted(name));
    };
  }

  /// Stays at the peak.
  record Constant() implements LearningRateDecay {
    @Override
    public String key() {
      return "constant";
    }

    @Override
    public double factor(double left, boolean secondHalf) {
      return 1;
    }
  }

  /// Falls on a line to 0 at the end.
  record Linear() implements LearningRateDecay {
    @Override
    public String key() {
      return "linear";
    }

    @Override
    public double factor(double left, boolean secondHalf) {
      return left;
    }
  }

  /// Falls on half a cosine wave.
  ///
  /// @param floor the factor at the end, from 0 to 1
  record Cosine(double floor) implements LearningRateDecay {
    /// Checks the floor.
    ///
    /// @throws IllegalArgumentException if it is not from 0 to 1
    public Cosine {
      checkFraction("the floor of the cosine schedule", floor);
    }

    @Override
    public String key() {
      return "cosine";
    }

    @Override
    public double factor(double left, boolean secondHalf) {
      return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * (1 - left)));
    }
  }

  /// BitNet b1.58 ("Training Tips, Code and FAQ"): a line to 0 at the end; at half-way the peak of
  /// that line drops to its second value, and weight decay ends.
  ///
  /// @param ratio second peak / first peak, from 0 to 1
  record TwoStage(double ratio) implements LearningRateDecay {
    /// Checks the ratio.
    ///
    /// @throws IllegalArgumentException if it is not from 0 to 1
    public TwoStage {
      checkFraction("the second peak of the two-stage schedule, as a share of the first,", ratio);
    }

    @Override
    public String key() {
      return "two-stage";
    }

    @Override
    public double factor(double left, boolean secondHalf) {
      return secondHalf ? ratio * left : left;
    }

    @Override
    public double weightDecayFactor(boolean secondHalf) {
      return secondHalf ? 0 : 1;
    }
  }

  private static void checkFraction(String what, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(
          "%s is %s; use a number from 0 to 1".formatted(what, value));
    }
  }
}
