package bitnet.model;

/// How the rotary frequencies of a model are stretched for longer texts than it was first trained
/// on. Frequencies are in radians per position.
public sealed interface RopeScaling {

  /// The stretched frequency of one plane.
  ///
  /// @param frequency `theta^(-2 plane / headDim)`
  /// @param plane from 0 to below `headDim / 2`
  /// @param heads the attention heads, for `theta` and `headDim`
  double stretch(double frequency, int plane, LlamaConfig.Heads heads);

  /// The factor of all cosines and sines, hence the square root of the factor of attention scores.
  default double attentionFactor() {
    return 1;
  }

  /// The `rope_type` of `config.json`.
  String key();

  /// No scaling.
  record None() implements RopeScaling {
    @Override
    public double stretch(double frequency, int plane, LlamaConfig.Heads heads) {
      return frequency;
    }

    @Override
    public String key() {
      return "default";
    }
  }

  /// Positional interpolation (Chen et al., arXiv 2306.15595): every frequency is divided.
  ///
  /// @param factor at least 1
  record Linear(double factor) implements RopeScaling {
    /// Checks the factor.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Linear {
      requireFactor(factor);
    }

    @Override
    public double stretch(double frequency, int plane, LlamaConfig.Heads heads) {
      return frequency / factor;
    }

    @Override
    public String key() {
      return "linear";
    }
  }

  /// LLaMA 3.1: planes that turn seldom within the original context are divided, those that turn
  /// often are kept, with a linear passage between.
  ///
  /// @param factor at least 1
  /// @param lowTurns `low_freq_factor`: planes with fewer turns are divided
  /// @param highTurns `high_freq_factor`: planes with more turns are kept
  /// @param originalContext tokens
  record Llama3(double factor, double lowTurns, double highTurns, int originalContext)
      implements RopeScaling {
    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Llama3 {
      requireFactor(factor);
      requireContext(originalContext);
      if (!(lowTurns > 0 && highTurns > lowTurns && Double.isFinite(highTurns))) {
        throw new IllegalArgumentException(
            "high_freq_factor %s is not above low_freq_factor %s, or that is not above 0; use 4 and 1"
                .formatted(highTurns, lowTurns));
      }
    }

    @Override
    public double stretch(double frequency, int plane, LlamaConfig.Heads heads) {
      double turns = originalContext * frequency / (2 * Math.PI);
      double kept = Math.clamp((turns - lowTurns) / (highTurns - lowTurns), 0, 1);
      return frequency * (kept + (1 - kept) / factor);
    }

    @Override
    public String key() {
      return "llama3";
    }
  }

  /// YaRN (Peng et al., arXiv 2309.00071). It acts on short texts as well.
  ///
  /// @param factor at least 1
  /// @param originalContext tokens
  /// @param betaFast planes with more turns within the original context are kept
  /// @param betaSlow planes with fewer turns are divided
  /// @param truncate whether the bounds between them are rounded to whole planes
  /// @param attentionFactor of all cosines and sines
  record Yarn(
      double factor,
      int originalContext,
      double betaFast,
      double betaSlow,
      boolean truncate,
      double attentionFactor)
      implements RopeScaling {
    private static final double LEAST_WIDTH = 0.001;

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Yarn {
      requireFactor(factor);
      requireContext(originalContext);
      if (!(betaSlow > 0 && betaFast >= betaSlow && Double.isFinite(betaFast))) {
        throw new IllegalArgumentException(
            "beta_fast %s is below beta_slow %s, or that is not above 0; use 32 and 1"
                .formatted(betaFast, betaSlow));
      }
      if (!(attentionFactor > 0 && Double.isFinite(attentionFactor))) {
        throw new IllegalArgumentException(
            "attention_factor %s is not a finite number above 0; leave it out"
                .formatted(attentionFactor));
      }
    }

    /// The attention factor of the paper, `0.1 * weight * ln(factor) + 1`.
    ///
    /// @param weight 1, or `mscale`
    public static double attentionFactor(double factor, double weight) {
      return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
    }

    @Override
    public double stretch(double frequency, int plane, LlamaConfig.Heads heads) {
      double low = planeOf(betaFast, heads);
      double high = planeOf(betaSlow, heads);
      if (truncate) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(low, 0);
      high = Math.min(high, heads.dim() - 1);
      if (low == high) {
        high += LEAST_WIDTH;
      }
      double divided = Math.clamp((plane - low) / (high - low), 0, 1);
      return frequency / factor * divided + frequency * (1 - divided);
    }

    /// The plane, not a whole one, that turns this often within the original context.
    private double planeOf(double turns, LlamaConfig.Heads heads) {
      return heads.dim()
          * Math.log(originalContext / (turns * 2 * Math.PI))
          / (2 * Math.log(heads.ropeTheta()));
    }

    @Override
    public String key() {
      return "yarn";
    }
  }

  private static void requireFactor(double factor) {
    if (!(factor >= 1 && Double.isFinite(factor))) {
      throw new IllegalArgumentException(
          "the factor %s of rope scaling is not a finite number of at least 1; use 4"
              .formatted(factor));
    }
  }

  private static void requireContext(int tokens) {
    if (tokens < 1) {
      throw new IllegalArgumentException(
          "original_max_position_embeddings %d is not at least 1; use the context length before"
                  .formatted(tokens)
              + " scaling");
    }
  }
}
