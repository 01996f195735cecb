package bitnet.langchain4j;

import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onCompleteResponse;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onPartialResponse;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.withLoggingExceptions;

import bitnet.generation.ChatEngine;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.List;
import java.util.Set;

/// A streaming chat model of LangChain4j in this JVM. Any number of threads may use it; handlers
/// are called on a thread of the request. The engine stays its owner's.
public final class BitNetStreamingChatModel implements StreamingChatModel {
  private final ChatEngine engine;
  private final ChatRequestParameters defaults;
  private final List<ChatModelListener> listeners;

  /// A model without listeners and with the defaults of the engine: temperature 1, no filter.
  ///
  /// @param name of the model in responses
  public BitNetStreamingChatModel(ChatEngine engine, String name) {
    this(engine, ChatRequestParameters.builder().modelName(name).build(), List.of());
  }

  /// A model.
  ///
  /// @param defaults of what requests do not say, the model's name among them
  /// @param listeners that LangChain4j calls before and after requests
  /// @throws dev.langchain4j.exception.UnsupportedFeatureException if the defaults have tools
  public BitNetStreamingChatModel(
      ChatEngine engine, ChatRequestParameters defaults, List<ChatModelListener> listeners) {
    ChatRequests.check(defaults);
    this.engine = engine;
    this.defaults = defaults;
    this.listeners = List.copyOf(listeners);
  }

  /// Cancels an answer.
  private static final class Handle implements StreamingHandle {
    private final ChatEngine.Reply reply;
    private volatile boolean cancelled;

    Handle(ChatEngine.Reply reply) {
      this.reply = reply;
    }

    @Override
    public void cancel() {
      cancelled = true;
      reply.cancel();
    }

    @Override
    public boolean isCancelled() {
      return cancelled;
    }
  }

  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    ChatRequests.check(request.parameters());
    Answers answer = new Answers();
    ChatEngine.Reply reply =
        engine.answer(
            ChatRequests.messages(request.messages()),
            ChatRequests.settings(engine, request.parameters()),
            answer);
    Thread.ofVirtual().name("bitnet-answer").start(() -> tell(request, reply, answer, handler));
  }

  private static void tell(
      ChatRequest request,
      ChatEngine.Reply reply,
      Answers answer,
      StreamingChatResponseHandler handler) {
    Handle handle = new Handle(reply);
    try {
      boolean ended = false;
      while (!ended && !handle.isCancelled()) {
        switch (answer.next()) {
          case Answers.Event.Text text -> onPartialResponse(handler, text.piece(), handle);
          case Answers.Event.End end -> {
            ended = true;
            onCompleteResponse(
                handler, Answers.response(request, reply.promptTokens(), end.completion()));
          }
          case Answers.Event.Failure failure -> {
            ended = true;
            withLoggingExceptions(() -> handler.onError(failure.cause()));
          }
        }
      }
    } catch (InterruptedException interrupted) {
      reply.cancel();
      withLoggingExceptions(() -> handler.onError(interrupted));
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
