package bitnet.langchain4j;

import bitnet.generation.ChatEngine;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.util.List;
import java.util.Set;

/// A chat model of LangChain4j in this JVM. Any number of threads may use it; the engine stays its
/// owner's.
///
/// ```java
/// try (BatchedModel engine = BatchedModel.open(path, RuntimeSettings.fastest(), batching)) {
///   ChatModel model = new BitNetChatModel(engine, "my-model");
///   System.out.println(model.chat("Hello"));
/// }
/// ```
public final class BitNetChatModel implements ChatModel {
  private final ChatEngine engine;
  private final ChatRequestParameters defaults;
  private final List<ChatModelListener> listeners;

  /// A model without listeners and with the defaults of the engine: temperature 1, no filter.
  ///
  /// @param name of the model in responses
  public BitNetChatModel(ChatEngine engine, String name) {
    this(engine, ChatRequestParameters.builder().modelName(name).build(), List.of());
  }

  /// A model.
  ///
  /// @param defaults of what requests do not say, the model's name among them
  /// @param listeners that LangChain4j calls before and after requests
  /// @throws dev.langchain4j.exception.UnsupportedFeatureException if the defaults have tools
  public BitNetChatModel(
      ChatEngine engine, ChatRequestParameters defaults, List<ChatModelListener> listeners) {
    ChatRequests.check(defaults);
    this.engine = engine;
    this.defaults = defaults;
    this.listeners = List.copyOf(listeners);
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    ChatRequests.check(request.parameters());
    Answers answer = new Answers();
    ChatEngine.Reply reply =
        engine.answer(
            ChatRequests.messages(request.messages()),
            ChatRequests.settings(engine, request.parameters()),
            answer);
    try {
      while (true) {
        switch (answer.next()) {
          case Answers.Event.Text text -> {} // the completion has all of it
          case Answers.Event.End end -> {
            return Answers.response(request, reply.promptTokens(), end.completion());
          }
          case Answers.Event.Failure failure -> throw failure.cause();
        }
      }
    } catch (InterruptedException interrupted) {
      reply.cancel();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the answer was written", interrupted);
    }
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return defaults;
  }

  @Override
  public List<ChatModelListener> listeners() {
    return listeners;
  }

  @Override
  public Set<Capability> supportedCapabilities() {
    return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }
}
