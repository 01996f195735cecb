package bitnet.generation;

import java.util.Map;

/// Changes to logits as OpenAI's API defines them. A token that was drawn `c` times since the
/// prompt gets
/// ```
/// logit + bias - frequencyPenalty * c - presencePenalty * (c > 0 ? 1 : 0)
/// ```
///
/// @param frequencyPenalty subtracted from a token's logit for each time it was drawn, from -2 to 2
/// @param presencePenalty subtracted from the logit of a token that was drawn, from -2 to 2
/// @param bias added to the logits of some tokens by id, each from -100 to 100
public record LogitAdjustments(
    double frequencyPenalty, double presencePenalty, Map<Integer, Double> bias) {
  private static final int MOST_PENALTY = 2;
  private static final int MOST_BIAS = 100;

  /// No change.
  public static final LogitAdjustments NONE = new LogitAdjustments(0, 0, Map.of());

  /// Checks the values and copies the map.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public LogitAdjustments {
    check("frequency_penalty", frequencyPenalty, MOST_PENALTY);
    check("presence_penalty", presencePenalty, MOST_PENALTY);
    bias = Map.copyOf(bias);
    bias.forEach(
        (token, value) -> {
          if (token < 0) {
            throw new IllegalArgumentException(
                "logit_bias has the token id %d; ids are 0 or more".formatted(token));
          }
          check("logit_bias of token %d".formatted(token), value, MOST_BIAS);
        });
  }

  private static void check(String name, double value, int most) {
    if (!(Math.abs(value) <= most)) {
      throw new IllegalArgumentException(
          "%s %s is not from %d to %d; use 0 for none".formatted(name, value, -most, most));
    }
  }

  /// Whether nothing is changed.
  boolean isNone() {
    return frequencyPenalty == 0 && presencePenalty == 0 && bias.isEmpty();
  }
}
