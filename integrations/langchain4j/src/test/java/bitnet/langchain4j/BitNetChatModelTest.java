package bitnet.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.checkpoint.ModelDirectory;
import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelResponseContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import example.LangChain4jExample;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The adapter over a real engine, with random weights.
class BitNetChatModelTest {
  @TempDir private static Path directory;
  private static Path path;
  private static BatchedModel engine;

  @BeforeAll
  static void open() throws IOException {
    path = directory.resolve("model");
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      ModelDirectory.writeBlank(
          path,
          LlamaConfig.of(4096, 64, 128, 2, 4).withKeyValueHeads(2).withContextLength(256),
          new LatentInitializer(3, 0.1),
          tokenizer,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
    engine =
        BatchedModel.open(
            path, RuntimeSettings.fastest().withThreads(1), new BatchSettings(2, 16, 1 << 20));
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  private static ChatRequest request(ChatRequestParameters parameters) {
    return ChatRequest.builder().messages(UserMessage.from("Hi")).parameters(parameters).build();
  }

  private static final ChatRequestParameters GREEDY =
      ChatRequestParameters.builder().temperature(0.0).maxOutputTokens(12).build();

  @Test
  void aStreamHasTheTextOfTheWholeAnswerAndListenersHearOfIt() throws Exception {
    AtomicInteger heard = new AtomicInteger();
    ChatModelListener listener =
        new ChatModelListener() {
          @Override
          public void onResponse(ChatModelResponseContext context) {
            heard.incrementAndGet();
          }
        };
    ChatRequestParameters named = ChatRequestParameters.builder().modelName("tiny").build();
    ChatResponse whole =
        new BitNetChatModel(engine, named, List.of(listener)).chat(request(GREEDY));
    StringBuilder pieces = new StringBuilder();
    CompletableFuture<ChatResponse> streamed = new CompletableFuture<>();
    new BitNetStreamingChatModel(engine, named, List.of(listener))
        .chat(
            request(GREEDY),
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(String piece) {
                pieces.append(piece);
              }

              @Override
              public void onCompleteResponse(ChatResponse response) {
                streamed.complete(response);
              }

              @Override
              public void onError(Throwable failure) {
                streamed.completeExceptionally(failure);
              }
            });

    ChatResponse end = streamed.get(1, TimeUnit.MINUTES);
    assertThat(whole.aiMessage().text()).isNotEmpty().isEqualTo(end.aiMessage().text());
    assertThat(pieces).hasToString(whole.aiMessage().text());
    assertThat(whole.tokenUsage().outputTokenCount()).isEqualTo(12);
    assertThat(whole.tokenUsage().inputTokenCount())
        .isEqualTo(engine.promptTokens("<user>Hi</user><assistant>").length);
    assertThat(whole.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(whole.modelName()).isEqualTo("tiny");
    assertThat(heard).hasValue(2);
  }

  @Test
  void anAnswerHasTheFormOfItsSchema() throws IOException {
    JsonObjectSchema city =
        JsonObjectSchema.builder()
            .addProperty("city", JsonEnumSchema.builder().enumValues("Bern", "Oslo").build())
            .addIntegerProperty("days")
            .required("city", "days")
            .build();
    ChatRequestParameters json =
        ChatRequestParameters.builder()
            .responseFormat(
                ResponseFormat.builder()
                    .type(ResponseFormatType.JSON)
                    .jsonSchema(JsonSchema.builder().name("city").rootElement(city).build())
                    .build())
            .build();
    ChatModel model = new BitNetChatModel(engine, "tiny");
    for (int i = 0; i < 5; i++) {
      JsonNode answer = new ObjectMapper().readTree(model.chat(request(json)).aiMessage().text());
      assertThat(answer.path("city").asText()).isIn("Bern", "Oslo");
      assertThat(answer.path("days").isIntegralNumber()).isTrue();
      assertThat(answer).hasSize(2);
    }
  }

  @Test
  void whatIsOutOfRangeIsRefused() {
    ChatModel model = new BitNetChatModel(engine, "tiny");
    ChatRequestParameters hot = ChatRequestParameters.builder().frequencyPenalty(3.0).build();

    assertThatThrownBy(() -> model.chat(request(hot)))
        .hasMessageContaining("frequency_penalty 3.0 is not from -2 to 2");
  }

  @Test
  void theExampleRuns() throws IOException {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(out);
      LangChain4jExample.main(new String[] {path.toString(), "Hi"});
    } finally {
      System.setOut(before);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).isNotBlank();
  }
}
