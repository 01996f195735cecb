package bitnet.server;

import bitnet.generation.GenerationSettings;
import bitnet.generation.LogitAdjustments;
import bitnet.generation.SamplingSettings;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/// The fields of a request that say how its tokens are drawn, the same for chat and completions.
final class SamplingFields {
  private static final int MOST_STOPS = 64;
  private static final int MOST_BIAS = 100;
  private static final Pattern TOKEN_ID = Pattern.compile("0|[1-9]\\d{0,9}");

  private SamplingFields() {}

  /// The settings. A request without a seed gets a random one.
  static GenerationSettings settings(RequestBody body, int maxTokens, int vocab) {
    refuseUnsupported(body);
    List<String> stops = body.texts("stop");
    if (stops.size() > MOST_STOPS) {
      throw ApiException.ofField("stop", "more than %d stop strings".formatted(MOST_STOPS));
    }
    double topP = body.number("top_p", 1, 0, 1);
    if (topP == 0) {
      throw ApiException.ofField(
          "top_p", "top_p is 0, which keeps no token; use a temperature of 0");
    }
    double minP = body.number("min_p", 0, 0, 0.999_999);
    double penalty = body.number("repetition_penalty", 1, 0.01, 100);
    SamplingSettings sampling =
        new SamplingSettings(
            body.number("temperature", 1, 0, 2),
            Math.max(0, body.integer("top_k", 0, -1, Integer.MAX_VALUE)),
            topP,
            minP,
            penalty,
            body.whole("seed", ThreadLocalRandom.current().nextLong()),
            new LogitAdjustments(
                body.number("frequency_penalty", 0, -2, 2),
                body.number("presence_penalty", 0, -2, 2),
                bias(body.node("logit_bias"), vocab)));
    return new GenerationSettings(maxTokens, stops, sampling);
  }

  /// Refuses what only a chat can have.
  static void refuseChat(RequestBody body) {
    body.refuseUnless("tools", SamplingFields::isEmptyList);
    body.refuseUnless("tool_choice", SamplingFields::isNone);
    body.refuseUnless("chat_template_kwargs", node -> node.isObject() && node.isEmpty());
  }

  private static void refuseUnsupported(RequestBody body) {
    body.refuseUnless("functions", SamplingFields::isEmptyList);
    body.refuseUnless("function_call", SamplingFields::isNone);
    body.refuseUnless("suffix", node -> node.isTextual() && node.textValue().isEmpty());
    body.refuseUnless(
        "modalities",
        node -> node.isArray() && node.size() == 1 && node.path(0).asText().equals("text"));
    body.refuseUnless("audio", JsonNode::isNull);
  }

  /// An object of token ids, spelled as strings, and numbers.
  private static Map<Integer, Double> bias(JsonNode node, int vocab) {
    if (node.isMissingNode() || node.isNull()) {
      return Map.of();
    }
    if (!node.isObject()) {
      throw ApiException.ofField(
          "logit_bias", "logit_bias is not an object of token ids and numbers");
    }
    Map<Integer, Double> bias = new HashMap<>();
    for (Map.Entry<String, JsonNode> each : node.properties()) {
      String id = each.getKey();
      double value = each.getValue().doubleValue();
      boolean isToken = TOKEN_ID.matcher(id).matches() && Long.parseLong(id) < vocab;
      if (!isToken || !each.getValue().isNumber() || !(Math.abs(value) <= MOST_BIAS)) {
        throw ApiException.ofField(
            "logit_bias",
            "logit_bias has something other than a token id from 0 to %d with a number from -%d to %d"
                .formatted(vocab - 1, MOST_BIAS, MOST_BIAS));
      }
      bias.put(Integer.valueOf(id), value);
    }
    return bias;
  }

  private static boolean isEmptyList(JsonNode node) {
    return node.isArray() && node.isEmpty();
  }

  private static boolean isNone(JsonNode node) {
    return node.asText().equals("none") || node.asText().equals("auto");
  }
}
