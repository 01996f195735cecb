package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufFields;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufMetadata;
import bitnet.format.gguf.GgufTensor;
import bitnet.format.gguf.GgufType;
import bitnet.model.LlamaConfig;
import bitnet.model.ModelFamily;
import bitnet.model.RopeScaling;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/// Scaled rotary frequencies in a GGUF file, as llama.cpp reads them: `linear` and `yarn` in the
/// metadata, `llama3` as a tensor of divisors, one for each plane.
final class GgufRope {
  /// The tensor of divisors, `[headDim / 2]`, F32.
  static final String DIVISORS = "rope_freqs.weight";

  private static final String TYPE = "rope.scaling.type";
  private static final String FACTOR = "rope.scaling.factor";
  private static final String OLD_FACTOR = "rope.scale_linear";
  private static final String ORIGINAL = "rope.scaling.original_context_length";
  private static final String FAST = "rope.scaling.yarn_beta_fast";
  private static final String SLOW = "rope.scaling.yarn_beta_slow";
  private static final List<String> ATTENTION_FACTORS =
      List.of("rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor");
  // of LLaMA 3.1 to 3.3; the file does not tell them
  private static final double LOW_TURNS = 1;
  private static final double HIGH_TURNS = 4;
  private static final double TOLERANCE = 1e-5; // of divisors, which are floats

  private GgufRope() {}

  /// Reads the scaling. As in llama.cpp the type is linear where none is given, and a factor of 0
  /// or 1 scales nothing.
  ///
  /// @param prefix of the keys, for example `llama.`
  /// @param heads for the frequencies without scaling
  /// @param contextLength of the model, the original one where the file names no other
  /// @throws CheckpointException if the scaling is of an unsupported kind
  /// @throws IllegalArgumentException if a number is out of range
  static RopeScaling read(GgufFile file, String prefix, LlamaConfig.Heads heads, int contextLength)
      throws CheckpointException {
    GgufMetadata metadata = file.metadata();
    String type = metadata.text(prefix + TYPE, "linear");
    RopeScaling scaling =
        switch (type) {
          case "none" -> new RopeScaling.None();
          case "linear" -> linear(factor(metadata, prefix));
          case "yarn" -> yarn(metadata, prefix, contextLength);
          default ->
              throw metadata.fault(
                  prefix + TYPE,
                  "is \"%s\"; supported rope scaling is none, linear and yarn"
                      .formatted(CheckpointException.quote(type)));
        };
    if (!(scaling instanceof RopeScaling.Yarn)) {
      refuseAttentionFactor(metadata, prefix);
    }
    Optional<GgufTensor> divisors = file.find(DIVISORS);
    if (divisors.isEmpty()) {
      return scaling;
    }
    if (!(scaling instanceof RopeScaling.None)) {
      throw metadata.fault(
          prefix + TYPE, "scales frequencies that %s scales too".formatted(DIVISORS));
    }
    return llama3(file, divisors.get(), heads);
  }

  private static double factor(GgufMetadata metadata, String prefix) throws CheckpointException {
    String key = metadata.has(prefix + FACTOR) ? FACTOR : OLD_FACTOR;
    double factor = metadata.number(prefix + key, 1);
    if (factor != 0 && factor < 1) {
      throw metadata.fault(prefix + key, "is %s; it must be 0 or at least 1".formatted(factor));
    }
    return factor;
  }

  private static RopeScaling linear(double factor) {
    return factor == 0 || factor == 1 ? new RopeScaling.None() : new RopeScaling.Linear(factor);
  }

  private static RopeScaling yarn(GgufMetadata metadata, String prefix, int contextLength)
      throws CheckpointException {
    for (String key : List.of("rope.scaling.yarn_ext_factor", "rope.scaling.yarn_log_multiplier")) {
      double usual = key.endsWith("ext_factor") ? 1 : 0;
      double value = metadata.number(prefix + key, usual);
      if (value != usual) {
        throw metadata.fault(prefix + key, "is %s; supported is %s".formatted(value, usual));
      }
    }
    double factor = factor(metadata, prefix);
    double attention = RopeScaling.Yarn.attentionFactor(factor, 1);
    for (String key : ATTENTION_FACTORS) {
      attention *= metadata.number(prefix + key, 1);
    }
    return new RopeScaling.Yarn(
        factor == 0 ? 1 : factor,
        metadata.integer(prefix + ORIGINAL, 1, Integer.MAX_VALUE, contextLength),
        metadata.number(prefix + FAST, 32),
        metadata.number(prefix + SLOW, 1),
        true,
        attention);
  }

  private static void refuseAttentionFactor(GgufMetadata metadata, String prefix)
      throws CheckpointException {
    for (String key : ATTENTION_FACTORS) {
      if (metadata.number(prefix + key, 1) != 1) {
        throw metadata.fault(prefix + key, "is not 1, which only yarn supports");
      }
    }
  }

  /// Finds the original context that gives these divisors.
  private static RopeScaling llama3(GgufFile file, GgufTensor tensor, LlamaConfig.Heads heads)
      throws CheckpointException {
    int planes = heads.dim() / 2;
    if (!tensor.hasShape(planes) || tensor.type() != GgufType.F32) {
      throw CheckpointException.ofTensor(
          file.path(),
          DIVISORS,
          "is %s %s; it must be F32 [%d]".formatted(tensor.type(), tensor.shape(), planes));
    }
    float[] divisors = new float[planes];
    file.readFloats(tensor, 0, 1, MemorySegment.ofArray(divisors));
    Optional<RopeScaling.Llama3> found = llama3(divisors, heads);
    if (found.isEmpty()) {
      throw CheckpointException.ofTensor(
          file.path(),
          DIVISORS,
          "does not hold the divisors of LLaMA 3's rope scaling; others are not supported");
    }
    return found.get();
  }

  private static Optional<RopeScaling.Llama3> llama3(float[] divisors, LlamaConfig.Heads heads) {
    double factor = 1;
    for (float divisor : divisors) {
      if (!(divisor >= 1 && Float.isFinite(divisor))) {
        return Optional.empty();
      }
      factor = Math.max(factor, divisor);
    }
    if (factor == 1) {
      return Optional.empty();
    }
    long context = originalContext(divisors, heads, factor);
    if (context < 1 || context > Integer.MAX_VALUE) {
      return Optional.empty();
    }
    RopeScaling.Llama3 scaling =
        new RopeScaling.Llama3(factor, LOW_TURNS, HIGH_TURNS, (int) context);
    float[] again = divisors(heads, scaling);
    for (int plane = 0; plane < divisors.length; plane++) {
      if (Math.abs(again[plane] - divisors[plane]) > TOLERANCE * divisors[plane]) {
        return Optional.empty();
      }
    }
    return Optional.of(scaling);
  }

  /// From the plane between kept and divided ones whose divisor tells most; where there is none,
  /// between the last kept and the first divided one.
  private static long originalContext(float[] divisors, LlamaConfig.Heads heads, double factor) {
    double most = 0;
    double context = 0;
    double least = 1;
    double greatest = Integer.MAX_VALUE;
    for (int plane = 0; plane < divisors.length; plane++) {
      double turn = 2 * Math.PI / frequency(plane, heads);
      double kept = (1.0 / divisors[plane] - 1 / factor) / (1 - 1 / factor);
      double certainty = Math.min(kept, 1 - kept);
      if (certainty > TOLERANCE && certainty > most) {
        most = certainty;
        context = turn * (LOW_TURNS + kept * (HIGH_TURNS - LOW_TURNS));
      }
      if (divisors[plane] == 1) {
        least = Math.max(least, turn * HIGH_TURNS);
      } else {
        greatest = Math.min(greatest, turn * LOW_TURNS);
      }
    }
    return Math.round(most > 0 ? context : Math.sqrt(least * greatest));
  }

  private static double frequency(int plane, LlamaConfig.Heads heads) {
    return Math.pow(heads.ropeTheta(), -2.0 * plane / heads.dim());
  }

  private static float[] divisors(LlamaConfig.Heads heads, RopeScaling scaling) {
    float[] divisors = new float[heads.dim() / 2];
    for (int plane = 0; plane < divisors.length; plane++) {
      double frequency = frequency(plane, heads);
      divisors[plane] = (float) (frequency / scaling.stretch(frequency, plane, heads));
    }
    return divisors;
  }

  /// The divisors to write, for a scaling that needs them.
  static Optional<float[]> divisors(LlamaConfig config) {
    RopeScaling scaling = config.heads().variant().scaling();
    return scaling instanceof RopeScaling.Llama3
        ? Optional.of(divisors(config.heads(), scaling))
        : Optional.empty();
  }

  /// Adds the scaling to a file's metadata.
  ///
  /// @param prefix of the keys
  static void write(GgufFields fields, String prefix, RopeScaling scaling) {
    switch (scaling) {
      case RopeScaling.None none -> {}
      case RopeScaling.Llama3 divided -> {}
      case RopeScaling.Linear linear ->
          fields.put(prefix + TYPE, "linear").put(prefix + FACTOR, (float) linear.factor());
      case RopeScaling.Yarn yarn -> {
        fields
            .put(prefix + TYPE, "yarn")
            .put(prefix + FACTOR, (float) yarn.factor())
            .put(prefix + ORIGINAL, yarn.originalContext())
            .put(prefix + FAST, (float) yarn.betaFast())
            .put(prefix + SLOW, (float) yarn.betaSlow());
        double usual = RopeScaling.Yarn.attentionFactor(yarn.factor(), 1);
        if (yarn.attentionFactor() != usual) {
          fields.put(
              prefix + ATTENTION_FACTORS.getFirst(), (float) (yarn.attentionFactor() / usual));
        }
      }
    }
  }

  /// Why a file cannot hold the scaling of a model; empty if it can.
  static Optional<String> exportFault(LlamaConfig config) {
    RopeScaling scaling = config.heads().variant().scaling();
    ModelFamily family = ModelFamily.of(config);
    if (scaling instanceof RopeScaling.Yarn yarn && !yarn.truncate()) {
      return Optional.of(
          "rope scaling yarn with truncate false has no GGUF form: llama.cpp rounds the bounds; use"
              + " an hf format");
    }
    if (scaling instanceof RopeScaling.Llama3 && family != ModelFamily.LLAMA) {
      return Optional.of(
          "rope scaling llama3 has no GGUF form in the architecture %s: llama.cpp reads %s of llama"
                  .formatted(GgufArchitecture.of(family).key(), DIVISORS)
              + " only; use an hf format");
    }
    return Optional.empty();
  }
}
