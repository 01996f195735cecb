package bitnet.grpo;

import java.util.Arrays;

/// The tokens of one answer, with all that the loss needs of them but their present probability.
///
/// @param oldLogProbabilities by the policy that drew them
/// @param referenceLogProbabilities by the reference policy; empty without one
/// @param advantages of each token; all equal where the answer was judged as a whole
/// @param counted whether the answer takes part; a truncated one may not
record JudgedTokens(
    double[] oldLogProbabilities,
    double[] referenceLogProbabilities,
    double[] advantages,
    boolean counted) {

  JudgedTokens {
    int length = oldLogProbabilities.length;
    boolean compared = referenceLogProbabilities.length > 0;
    if (advantages.length != length || (compared && referenceLogProbabilities.length != length)) {
      throw new IllegalArgumentException(
          "%d old, %d reference log-probabilities and %d advantages are not of the same tokens"
              .formatted(length, referenceLogProbabilities.length, advantages.length));
    }
  }

  /// Whether the loss can depend on the tokens' probabilities.
  boolean hasGradient() {
    return counted
        && (referenceLogProbabilities.length > 0
            || Arrays.stream(advantages).anyMatch(advantage -> advantage != 0));
  }

  int length() {
    return oldLogProbabilities.length;
  }
}
