package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.JsonFields;
import bitnet.model.RopeScaling;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/// The rotary embedding in `config.json`: `rope_theta` and `rope_scaling` (transformers 4) or
/// `rope_parameters` (5).
///
/// @param theta base of the frequencies
/// @param scaling of the frequencies
record RopeJson(double theta, RopeScaling scaling) {
  private static final String THETA = "rope_theta";
  private static final String TYPE = "rope_type";
  private static final String FACTOR = "factor";
  private static final String ORIGINAL = "original_max_position_embeddings";
  private static final String LOW = "low_freq_factor";
  private static final String HIGH = "high_freq_factor";
  private static final String FAST = "beta_fast";
  private static final String SLOW = "beta_slow";
  private static final String TRUNCATE = "truncate";
  private static final String ATTENTION_FACTOR = "attention_factor";
  private static final String PARTIAL = "partial_rotary_factor";

  /// Reads either spelling; a non-empty `rope_scaling` replaces `rope_parameters`, as in
  /// transformers.
  ///
  /// @param theta where the file has none
  /// @param contextLength of the model, the original one where the file names no other
  /// @throws CheckpointException if the scaling is of an unsupported kind, or the two places of
  ///     theta differ
  static RopeJson read(JsonFields fields, double theta, int contextLength)
      throws CheckpointException {
    requireWhole(fields);
    double base = fields.number(THETA, theta);
    RopeScaling scaling = new RopeScaling.None();
    boolean scaled = false;
    for (String key : new String[] {"rope_scaling", "rope_parameters"}) {
      Optional<JsonFields> found = fields.fields(key);
      if (found.isEmpty() || found.get().object().isEmpty()) {
        continue;
      }
      JsonFields rope = found.get();
      requireWhole(rope);
      double inner = rope.number(THETA, base);
      if (fields.has(THETA) && inner != base) {
        throw rope.fault(THETA, "the top level says %s; remove one".formatted(base));
      }
      base = inner;
      RopeScaling each = scaling(rope, contextLength);
      scaling = scaled ? scaling : each;
      scaled = true;
    }
    return new RopeJson(base, scaling);
  }

  private static void requireWhole(JsonFields fields) throws CheckpointException {
    if (fields.number(PARTIAL, 1) != 1) {
      throw fields.fault(PARTIAL, "only 1 is supported");
    }
  }

  private static RopeScaling scaling(JsonFields rope, int contextLength)
      throws CheckpointException {
    String key = rope.has(TYPE) || !rope.has("type") ? TYPE : "type";
    double factor = rope.number(FACTOR, 1);
    int original = rope.integer(ORIGINAL, 1, Integer.MAX_VALUE, contextLength);
    return switch (rope.text(key, "default")) {
      case "default" -> {
        if (factor != 1 && !rope.has(key)) {
          throw rope.fault(FACTOR, "it needs a rope_type; add \"rope_type\": \"linear\"");
        }
        yield new RopeScaling.None();
      }
      case "linear" -> new RopeScaling.Linear(factor(rope));
      case "llama3" ->
          new RopeScaling.Llama3(factor(rope), rope.number(LOW, 1), rope.number(HIGH, 4), original);
      case "yarn" ->
          new RopeScaling.Yarn(
              factor(rope),
              original,
              rope.number(FAST, 32),
              rope.number(SLOW, 1),
              rope.flag(TRUNCATE, true),
              attentionFactor(rope, factor));
      default ->
          throw rope.fault(
              key,
              "this rope scaling is not supported; supported are default, linear, llama3 and yarn");
    };
  }

  private static double factor(JsonFields rope) throws CheckpointException {
    if (!rope.has(FACTOR)) {
      throw rope.fault(FACTOR, "rope scaling needs it, for example 4.0");
    }
    return rope.number(FACTOR, 1);
  }

  private static double attentionFactor(JsonFields rope, double factor) throws CheckpointException {
    if (rope.has(ATTENTION_FACTOR)) {
      return rope.number(ATTENTION_FACTOR, 1);
    }
    double scale = rope.number("mscale", 0);
    double scaleOfAll = rope.number("mscale_all_dim", 0);
    return scale == 0 || scaleOfAll == 0
        ? RopeScaling.Yarn.attentionFactor(factor, 1)
        : RopeScaling.Yarn.attentionFactor(factor, scale)
            / RopeScaling.Yarn.attentionFactor(factor, scaleOfAll);
  }

  /// Writes the spelling of transformers 4, which 5 reads as well.
  void write(ObjectNode root) {
    root.put(THETA, theta);
    if (scaling instanceof RopeScaling.None) {
      return;
    }
    ObjectNode rope = root.putObject("rope_scaling");
    rope.put(TYPE, scaling.key());
    switch (scaling) {
      case RopeScaling.None none -> {}
      case RopeScaling.Linear linear -> rope.put(FACTOR, linear.factor());
      case RopeScaling.Llama3 llama ->
          rope.put(FACTOR, llama.factor())
              .put(LOW, llama.lowTurns())
              .put(HIGH, llama.highTurns())
              .put(ORIGINAL, llama.originalContext());
      case RopeScaling.Yarn yarn ->
          rope.put(FACTOR, yarn.factor())
              .put(ORIGINAL, yarn.originalContext())
              .put(FAST, yarn.betaFast())
              .put(SLOW, yarn.betaSlow())
              .put(TRUNCATE, yarn.truncate())
              .put(ATTENTION_FACTOR, yarn.attentionFactor());
    }
  }
}
