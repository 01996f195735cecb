package bitnet.langchain4j;

import bitnet.generation.ChatEngine;
import bitnet.generation.Completion;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/// An answer in the making, as events that one thread takes.
final class Answers implements ChatEngine.Listener {
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

  /// What happened.
  sealed interface Event {
    /// A piece of text.
    record Text(String piece) implements Event {}

    /// The end.
    record End(Completion completion) implements Event {}

    /// A failure of the model.
    record Failure(RuntimeException cause) implements Event {}
  }

  @Override
  public void text(String piece) {
    events.add(new Event.Text(piece));
  }

  @Override
  public void finished(Completion completion) {
    events.add(new Event.End(completion));
  }

  @Override
  public void failed(RuntimeException failure) {
    events.add(new Event.Failure(failure));
  }

  Event next() throws InterruptedException {
    return events.take();
  }

  /// The response of LangChain4j.
  ///
  /// @param promptTokens tokens of the messages
  static ChatResponse response(ChatRequest request, int promptTokens, Completion completion) {
    return ChatResponse.builder()
        .aiMessage(AiMessage.from(completion.text()))
        .id(UUID.randomUUID().toString())
        .modelName(request.parameters().modelName())
        .tokenUsage(new TokenUsage(promptTokens, completion.sampled().size()))
        .finishReason(
            switch (completion.finish()) {
              case EOS, STOP -> FinishReason.STOP;
              case LENGTH, CONTEXT -> FinishReason.LENGTH;
              case INTERRUPTED -> FinishReason.OTHER;
            })
        .build();
  }
}
