package bitnet.grpo;

import bitnet.reward.FinalAnswer;
import bitnet.setting.NamedClass;

/// What `--verifier` names:
///
/// - `answer_or_reward`: the final answer is right, or the reward has risen by more than the
///   threshold
/// - `answer`: the final answer is right
/// - `reward`: the reward has risen by more than the threshold
/// - `com.example.MyVerifier`: a class of the class path that implements [Verifier]
///
/// @param name one of these
/// @param improvementThreshold what a reward must rise by to count
public record VerifierSpec(String name, double improvementThreshold) {

  /// The default: the first of them, with any rise.
  public static final String DEFAULT = "answer_or_reward";

  /// Checks the number.
  ///
  /// @throws IllegalArgumentException if it is negative or not finite
  public VerifierSpec {
    if (!(improvementThreshold >= 0 && Double.isFinite(improvementThreshold))) {
      throw new IllegalArgumentException(
          "improvement_threshold %s is not a finite number of at least 0; use 0.1"
              .formatted(improvementThreshold));
    }
  }

  /// Makes the verifier.
  ///
  /// @throws IllegalArgumentException if it is not known, saying which there are
  Verifier open() {
    return switch (name) {
      case DEFAULT -> correction -> isRight(correction) || isBetter(correction);
      case "answer" -> VerifierSpec::isRight;
      case "reward" -> this::isBetter;
      default -> ofClass();
    };
  }

  private static boolean isRight(Verifier.Correction correction) {
    return FinalAnswer.isRight(correction.reference(), correction.corrected());
  }

  private boolean isBetter(Verifier.Correction correction) {
    return correction.correctedReward() > correction.firstReward() + improvementThreshold;
  }

  private Verifier ofClass() {
    if (!name.contains(".")) {
      throw new IllegalArgumentException(
          "verifier \"%s\" is unknown; use answer_or_reward, answer, reward, or the full name of a"
                  .formatted(name)
              + " class that implements bitnet.grpo.Verifier");
    }
    return NamedClass.instance(name, Verifier.class, "verifier");
  }
}
