package bitnet.springai;

import bitnet.generation.ChatEngine;
import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.LogitAdjustments;
import bitnet.generation.SamplingSettings;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.MessageType;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/// A chat model of Spring AI in this JVM. Any number of threads may use it; the engine stays its
/// owner's.
///
/// ```java
/// ChatModel model = new BitNetChatModel(engine, ChatOptions.builder().model("bitnet").build());
/// String answer = ChatClient.create(model).prompt().user("Hello").call().content();
/// ```
public final class BitNetChatModel implements ChatModel {
  private static final int MOST_TOKENS = 1 << 20; // where a prompt names none: the context ends it

  private final ChatEngine engine;
  private final ChatOptions defaults;

  /// A model.
  ///
  /// @param defaults of what prompts do not say, the model's name among them
  public BitNetChatModel(ChatEngine engine, ChatOptions defaults) {
    this.engine = engine;
    this.defaults = defaults;
  }

  @Override
  public ChatOptions getOptions() {
    return defaults;
  }

  /// Answers a prompt.
  ///
  /// @throws IllegalArgumentException if it has what is not text, tools, or options out of range
  @Override
  public ChatResponse call(Prompt prompt) {
    ChatOptions options = options(prompt);
    CompletableFuture<Completion> end = new CompletableFuture<>();
    ChatEngine.Reply reply =
        engine.answer(
            messages(prompt),
            settings(options),
            new ChatEngine.Listener() {
              @Override
              public void text(String piece) {} // the completion has all of it

              @Override
              public void finished(Completion completion) {
                end.complete(completion);
              }

              @Override
              public void failed(RuntimeException failure) {
                end.completeExceptionally(failure);
              }
            });
    Completion completion = end.join();
    return response(new Answer(options), completion.text(), reply.promptTokens(), completion);
  }

  /// Answers a prompt piece by piece; the last piece has the reason of the end and the usage.
  /// Cancelling the subscription ends the answer before its next token.
  ///
  /// @throws IllegalArgumentException as [#call]
  @Override
  public Flux<ChatResponse> stream(Prompt prompt) {
    ChatOptions options = options(prompt);
    ArrayNode messages = messages(prompt);
    GenerationSettings settings = settings(options);
    return Flux.create(sink -> stream(new Answer(options), messages, settings, sink));
  }

  private void stream(
      Answer answer, ArrayNode messages, GenerationSettings settings, FluxSink<ChatResponse> sink) {
    CompletableFuture<ChatEngine.Reply> begun = new CompletableFuture<>();
    begun.complete(
        engine.answer(
            messages,
            settings,
            new ChatEngine.Listener() {
              @Override
              public void text(String piece) {
                sink.next(response(answer, piece, 0, null));
              }

              @Override
              public void finished(Completion completion) {
                int promptTokens = begun.join().promptTokens(); // it is being returned
                sink.next(response(answer, "", promptTokens, completion));
                sink.complete();
              }

              @Override
              public void failed(RuntimeException failure) {
                sink.error(failure);
              }
            }));
    sink.onDispose(() -> begun.join().cancel());
  }

  /// What all pieces of an answer have in common.
  private record Answer(String id, String model) {
    Answer(ChatOptions options) {
      this(UUID.randomUUID().toString(), Objects.requireNonNullElse(options.getModel(), "bitnet"));
    }
  }

  private static ChatResponse response(
      Answer answer, String text, int promptTokens, @Nullable Completion end) {
    ChatGenerationMetadata metadata =
        ChatGenerationMetadata.builder().finishReason(end == null ? "" : reason(end)).build();
    ChatResponseMetadata.Builder about =
        ChatResponseMetadata.builder().id(answer.id).model(answer.model);
    if (end != null) {
      about.usage(new DefaultUsage(promptTokens, end.sampled().size()));
    }
    return new ChatResponse(
        List.of(new Generation(new AssistantMessage(text), metadata)), about.build());
  }

  private static String reason(Completion completion) {
    return switch (completion.finish()) {
      case EOS, STOP -> "STOP";
      case LENGTH, CONTEXT -> "LENGTH";
      case INTERRUPTED -> "CANCELLED";
    };
  }

  private ChatOptions options(Prompt prompt) {
    ChatOptions given = prompt.getOptions();
    if (given instanceof ToolCallingChatOptions tools
        && tools.getToolCallbacks() != null
        && !tools.getToolCallbacks().isEmpty()) {
      throw new IllegalArgumentException(
          "tools are not supported in the JVM; serve the model with bitnet serve for them");
    }
    return given == null
        ? defaults
        : ChatOptions.builder()
            .model(orElse(given.getModel(), defaults.getModel()))
            .temperature(orElse(given.getTemperature(), defaults.getTemperature()))
            .topP(orElse(given.getTopP(), defaults.getTopP()))
            .topK(orElse(given.getTopK(), defaults.getTopK()))
            .frequencyPenalty(orElse(given.getFrequencyPenalty(), defaults.getFrequencyPenalty()))
            .presencePenalty(orElse(given.getPresencePenalty(), defaults.getPresencePenalty()))
            .maxTokens(orElse(given.getMaxTokens(), defaults.getMaxTokens()))
            .stopSequences(orElse(given.getStopSequences(), defaults.getStopSequences()))
            .build();
  }

  private static <T> @Nullable T orElse(@Nullable T value, @Nullable T fallback) {
    return value == null ? fallback : value;
  }

  private static ArrayNode messages(Prompt prompt) {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    for (Message message : prompt.getInstructions()) {
      boolean isMedia = message instanceof UserMessage user && !user.getMedia().isEmpty();
      boolean isCall = message instanceof AssistantMessage answer && answer.hasToolCalls();
      if (isMedia || isCall || message.getMessageType() == MessageType.TOOL) {
        throw new IllegalArgumentException("messages other than text are not supported");
      }
      list.addObject()
          .put("role", message.getMessageType().getValue())
          .put("content", Objects.requireNonNullElse(message.getText(), ""));
    }
    return list;
  }

  private static GenerationSettings settings(ChatOptions options) {
    SamplingSettings sampling =
        new SamplingSettings(
            Objects.requireNonNullElse(options.getTemperature(), 1.0),
            Objects.requireNonNullElse(options.getTopK(), 0),
            Objects.requireNonNullElse(options.getTopP(), 1.0),
            0,
            1,
            ThreadLocalRandom.current().nextLong(),
            new LogitAdjustments(
                Objects.requireNonNullElse(options.getFrequencyPenalty(), 0.0),
                Objects.requireNonNullElse(options.getPresencePenalty(), 0.0),
                Map.of()));
    return new GenerationSettings(
        Objects.requireNonNullElse(options.getMaxTokens(), MOST_TOKENS),
        Objects.requireNonNullElse(options.getStopSequences(), List.of()),
        sampling);
  }
}
