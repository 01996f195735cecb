package bitnet.langchain4j;

import bitnet.generation.ChatEngine;
import bitnet.generation.GenerationSettings;
import bitnet.generation.LogitAdjustments;
import bitnet.generation.SamplingSettings;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/// Requests of LangChain4j as the engine takes them.
final class ChatRequests {
  private static final int MOST_TOKENS = 1 << 20; // where a request names none: the context ends it
  private static final ObjectMapper JSON = new ObjectMapper();

  private ChatRequests() {}

  /// Refuses what an answer would not be according to.
  ///
  /// @throws UnsupportedFeatureException naming it
  static void check(ChatRequestParameters parameters) {
    if (parameters.toolChoice() == ToolChoice.REQUIRED) {
      throw new UnsupportedFeatureException("ToolChoice.REQUIRED is not supported");
    }
    if (!parameters.toolSpecifications().isEmpty() || parameters.toolChoice() != null) {
      throw new UnsupportedFeatureException("tools are not supported");
    }
  }

  /// The messages, as OpenAI's API has them.
  ///
  /// @throws UnsupportedFeatureException naming what is not text
  static ArrayNode messages(List<ChatMessage> messages) {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    for (ChatMessage message : messages) {
      switch (message) {
        case SystemMessage system -> add(list, "system", system.text());
        case UserMessage user -> add(list, "user", text(user));
        case AiMessage answer when !answer.hasToolExecutionRequests() ->
            add(list, "assistant", Objects.requireNonNullElse(answer.text(), ""));
        default ->
            throw new UnsupportedFeatureException(
                "messages of type %s, and calls of tools, are not supported"
                    .formatted(message.type()));
      }
    }
    return list;
  }

  private static void add(ArrayNode list, String role, String content) {
    list.addObject().put("role", role).put("content", content);
  }

  private static String text(UserMessage message) {
    StringBuilder text = new StringBuilder();
    for (Content content : message.contents()) {
      if (!(content instanceof TextContent part)) {
        throw new UnsupportedFeatureException(
            "contents of type %s are not supported"
                .formatted(content.type())
                .toLowerCase(Locale.ROOT));
      }
      text.append(text.isEmpty() ? "" : "\n").append(part.text());
    }
    return text.toString();
  }

  /// The settings of the answer; a random seed, since LangChain4j has none.
  ///
  /// @throws IllegalArgumentException if a value is outside its range
  static GenerationSettings settings(ChatEngine engine, ChatRequestParameters parameters) {
    SamplingSettings sampling =
        new SamplingSettings(
            orElse(parameters.temperature(), 1.0),
            orElse(parameters.topK(), 0),
            orElse(parameters.topP(), 1.0),
            0,
            1,
            ThreadLocalRandom.current().nextLong(),
            new LogitAdjustments(
                orElse(parameters.frequencyPenalty(), 0.0),
                orElse(parameters.presencePenalty(), 0.0),
                Map.of()));
    GenerationSettings settings =
        new GenerationSettings(
            orElse(parameters.maxOutputTokens(), MOST_TOKENS),
            orElse(parameters.stopSequences(), List.of()),
            sampling);
    ResponseFormat format = parameters.responseFormat();
    return format == null || format.type() == ResponseFormatType.TEXT
        ? settings
        : engine.asJson(settings, schema(format));
  }

  private static Optional<JsonNode> schema(ResponseFormat format) {
    return Optional.ofNullable(format.jsonSchema())
        .map(schema -> JSON.valueToTree(JsonSchemaElementUtils.toMap(schema.rootElement(), true)));
  }

  private static <T> T orElse(@Nullable T value, T fallback) {
    return value == null ? fallback : value;
  }
}
