package bitnet.generation;

/// How the next token is drawn. The steps follow this order, as in llama.cpp's server: logit bias,
/// repetition penalty, frequency and presence penalty, temperature, top-k, top-p, min-p.
///
/// @param temperature logits are divided by it; 0 takes the most probable token
/// @param topK tokens kept: those with the k highest logits; 0 keeps all
/// @param topP probability kept: the most probable tokens that together reach it; 1 keeps all
/// @param minP tokens kept: those at least this times as probable as the most probable; 0 keeps all
/// @param repetitionPenalty positive logits of tokens seen before are divided by it, negative ones
///     multiplied; 1 changes nothing
/// @param seed of the random numbers; the same seed gives the same tokens
/// @param adjustments of the logits before temperature and filters
public record SamplingSettings(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    long seed,
    LogitAdjustments adjustments) {

  /// The most probable token each time.
  public static final SamplingSettings GREEDY = new SamplingSettings(0, 0, 1, 0, 1, 0);

  /// Checks every setting.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public SamplingSettings {
    require(
        temperature >= 0 && temperature <= 100,
        "temperature %s is not between 0 (most probable token) and 100; use 0.8",
        temperature);
    require(topK >= 0, "top_k %s is negative; use 0 to keep all tokens, or 40", topK);
    require(
        topP > 0 && topP <= 1,
        "top_p %s is not above 0 and at most 1; use 1 to keep all tokens, or 0.95",
        topP);
    require(
        minP >= 0 && minP < 1,
        "min_p %s is not at least 0 and below 1; use 0 to keep all tokens, or 0.05",
        minP);
    require(
        repetitionPenalty > 0 && repetitionPenalty <= 100,
        "repetition_penalty %s is not above 0 and at most 100; use 1 for none, or 1.1",
        repetitionPenalty);
  }

  /// Settings without frequency penalty, presence penalty and logit bias.
  ///
  /// @throws IllegalArgumentException as above
  public SamplingSettings(
      double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {
    this(temperature, topK, topP, minP, repetitionPenalty, seed, LogitAdjustments.NONE);
  }

  private static void require(boolean holds, String message, Object value) {
    if (!holds) {
      throw new IllegalArgumentException(message.formatted(value));
    }
  }

  /// These settings with another temperature.
  public SamplingSettings withTemperature(double other) {
    return new SamplingSettings(other, topK, topP, minP, repetitionPenalty, seed, adjustments);
  }

  /// These settings with another seed.
  public SamplingSettings withSeed(long other) {
    return new SamplingSettings(
        temperature, topK, topP, minP, repetitionPenalty, other, adjustments);
  }

  /// These settings with other changes to the logits.
  public SamplingSettings withAdjustments(LogitAdjustments other) {
    return new SamplingSettings(temperature, topK, topP, minP, repetitionPenalty, seed, other);
  }

  /// Whether penalties and bias change nothing, so that only temperature and filters do.
  public boolean leavesLogits() {
    return repetitionPenalty == 1 && adjustments.isNone();
  }
}
