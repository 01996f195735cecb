package bitnet.server;

import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/// The fields of a request that say how its tokens are drawn, the same for chat and completions.
final class SamplingFields {
  private static final int MOST_STOPS = 64;

  private SamplingFields() {}

  /// The settings. A request without a seed gets a random one.
  static GenerationSettings settings(RequestBody body, int maxTokens) {
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
            body.whole("seed", ThreadLocalRandom.current().nextLong()));
    return new GenerationSettings(maxTokens, stops, sampling);
  }

  private static void refuseUnsupported(RequestBody body) {
    for (String penalty : List.of("frequency_penalty", "presence_penalty")) {
      body.refuseUnless(penalty, SamplingFields::isZero);
    }
    body.refuseUnless("logit_bias", node -> node.isObject() && node.isEmpty());
    body.refuseUnless("response_format", node -> node.path("type").asText().equals("text"));
    body.refuseUnless("tools", SamplingFields::isEmptyList);
    body.refuseUnless("functions", SamplingFields::isEmptyList);
    body.refuseUnless("tool_choice", SamplingFields::isNone);
    body.refuseUnless("function_call", SamplingFields::isNone);
    body.refuseUnless("suffix", node -> node.isTextual() && node.textValue().isEmpty());
    body.refuseUnless(
        "modalities",
        node -> node.isArray() && node.size() == 1 && node.path(0).asText().equals("text"));
    body.refuseUnless("audio", JsonNode::isNull);
    body.refuseUnless("chat_template_kwargs", node -> node.isObject() && node.isEmpty());
  }

  private static boolean isZero(JsonNode node) {
    return node.isNumber() && node.doubleValue() == 0;
  }

  private static boolean isEmptyList(JsonNode node) {
    return node.isArray() && node.isEmpty();
  }

  private static boolean isNone(JsonNode node) {
    return node.asText().equals("none") || node.asText().equals("auto");
  }
}
