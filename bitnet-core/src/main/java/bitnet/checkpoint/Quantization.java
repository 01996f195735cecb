package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.JsonFields;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;

/// `quantization_config` with `quant_method` `bitnet`, as transformers defines it. Its norms
/// inside the linear layers are part of the model: [LlamaConfig#linearNormEpsilon].
///
/// @param linearClass which layer class computes with the weights; it decides what the scale means
/// @param mode whether weights are quantized before they are stored or in each forward pass
/// @param modulesToNotConvert modules that stay floating point; empty means transformers'
///     default, which is the head
public record Quantization(
    LinearClass linearClass, Mode mode, Optional<List<String>> modulesToNotConvert) {

  /// `linear_class`.
  public enum LinearClass {
    /// Packed weights; the stored scale is 1 / mean|W|.
    BITLINEAR,
    /// Packed weights with the scale mean|W| (offline), or latent weights (online).
    AUTOBITLINEAR;

    /// What a weight of 1 stands for, mean|W|, by a stored `weight_scale`.
    float scale(double stored) {
      return switch (this) {
        case BITLINEAR -> (float) (1 / stored);
        case AUTOBITLINEAR -> (float) stored;
      };
    }

    /// The `weight_scale` to store, so that [#scale] gives back the same float. Where no fp32
    /// number has that inverse, as for a quarter of all scales, it is one that needs fp64.
    double stored(float scale) {
      return switch (this) {
        case BITLINEAR -> {
          float inverse = (float) (1.0 / scale);
          yield DoubleStream.of(inverse, Math.nextUp(inverse), Math.nextDown(inverse))
              .filter(candidate -> scale(candidate) == scale)
              .findFirst()
              .orElse(1.0 / scale);
        }
        case AUTOBITLINEAR -> scale;
      };
    }
  }

  /// `quantization_mode`.
  public enum Mode {
    /// Weights are stored as trits.
    OFFLINE,
    /// Weights are stored as latent floats and quantized in the forward pass.
    ONLINE
  }

  static final String METHOD = "bitnet";
  private static final double DEFAULT_EPSILON = 1e-6;
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_.-]*");

  /// Copies the list of modules.
  public Quantization {
    modulesToNotConvert = modulesToNotConvert.map(List::copyOf);
  }

  /// Latent weights, quantized in the forward pass: the form in which models are trained.
  public static Quantization online() {
    return new Quantization(
        LinearClass.AUTOBITLINEAR, Mode.ONLINE, Optional.of(List.of("lm_head")));
  }

  /// Packed weights.
  static Quantization packed(LinearClass linearClass) {
    return new Quantization(linearClass, Mode.OFFLINE, Optional.of(List.of("lm_head")));
  }

  /// Whether transformers multiplies the biases of packed layers by the scale: y = (T x + b) s.
  boolean scalesBiases() {
    return linearClass == LinearClass.AUTOBITLINEAR && mode == Mode.OFFLINE;
  }

  /// The bias to store where [#scalesBiases]: one whose product with the scale is a given one.
  static float storedBias(float bias, float scale) {
    float quotient = bias / scale;
    for (float each : new float[] {quotient, Math.nextUp(quotient), Math.nextDown(quotient)}) {
      if (each * scale == bias) {
        return each;
      }
    }
    return quotient;
  }

  /// Whether the checkpoint holds latent floats and not packed trits.
  public boolean isLatent() {
    return linearClass == LinearClass.AUTOBITLINEAR && mode == Mode.ONLINE;
  }

  /// The form in a word: linear class and mode.
  String name() {
    return key(linearClass) + "-" + key(mode);
  }

  static Quantization read(JsonFields fields) throws CheckpointException {
    if (!fields.text("quant_method", METHOD).equals(METHOD)) {
      throw fields.fault("quant_method", "supported is \"%s\"".formatted(METHOD));
    }
    return new Quantization(
        constant(fields, "linear_class", LinearClass.BITLINEAR),
        constant(fields, "quantization_mode", Mode.OFFLINE),
        fields.has("modules_to_not_convert")
            ? Optional.of(fields.texts("modules_to_not_convert"))
            : Optional.empty());
  }

  /// The epsilon of the norms inside the linear layers; empty if there are none.
  static OptionalDouble linearNormEpsilon(JsonFields fields) throws CheckpointException {
    double epsilon = fields.number("rms_norm_eps", DEFAULT_EPSILON);
    return fields.flag("use_rms_norm", false) ? OptionalDouble.of(epsilon) : OptionalDouble.empty();
  }

  private static <E extends Enum<E>> E constant(JsonFields fields, String key, E fallback)
      throws CheckpointException {
    String text = fields.text(key, key(fallback));
    List<E> constants = List.of(fallback.getDeclaringClass().getEnumConstants());
    return constants.stream()
        .filter(constant -> key(constant).equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                fields.fault(
                    key,
                    "it must be one of %s"
                        .formatted(constants.stream().map(Quantization::key).toList())));
  }

  private static String key(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /// @param linearNormEpsilon of the norms inside the linear layers; empty if there are none
  void write(ObjectNode config, OptionalDouble linearNormEpsilon) {
    ObjectNode fields = config.putObject("quantization_config");
    fields.put("quant_method", METHOD);
    fields.put("linear_class", key(linearClass));
    fields.put("quantization_mode", key(mode));
    modulesToNotConvert.ifPresent(
        modules -> modules.forEach(fields.putArray("modules_to_not_convert")::add));
    fields.put("use_rms_norm", linearNormEpsilon.isPresent());
    fields.put("rms_norm_eps", linearNormEpsilon.orElse(DEFAULT_EPSILON));
  }

  /// Why the model of this toolkit, in which exactly the linear layers of the decoder are ternary,
  /// cannot follow this configuration; empty if it can.
  Optional<String> fault(LlamaConfig config) {
    if (modulesToNotConvert.isEmpty()) {
      return Optional.empty();
    }
    List<String> modules = modulesToNotConvert.get();
    if (modules.stream().noneMatch(module -> matches("lm_head", module))) {
      return Optional.of(
          "modules_to_not_convert leaves out lm_head; a ternary head is not supported: %s"
              .formatted(modules));
    }
    return config.tensors().stream()
        .filter(tensor -> tensor.kind() == TensorSpec.Kind.TERNARY)
        .map(tensor -> tensor.name().substring(0, tensor.name().lastIndexOf('.')))
        .filter(layer -> modules.stream().anyMatch(module -> matches(layer, module)))
        .findFirst()
        .map("modules_to_not_convert keeps %s in floating point; that is not supported"::formatted);
  }

  /// As transformers matches: a regular expression at the beginning, or literally at the end. Real
  /// files hold plain names; a pattern beyond that counts as a match, so that it is refused.
  private static boolean matches(String layer, String module) {
    return !PLAIN.matcher(module).matches()
        || Pattern.compile(module).matcher(layer).lookingAt()
        || layer.endsWith(module);
  }
}
