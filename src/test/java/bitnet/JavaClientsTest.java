package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.openai.OpenAiChatOptions;

/// Java's clients of OpenAI's API with `bitnet serve`: openai-java, LangChain4j and Spring AI.
class JavaClientsTest {
  private static final String QUESTION = "Hi Grüße";
  private static final int TOKENS = 8;

  @TempDir private static Path directory;
  private static ChatServer server;

  @BeforeAll
  static void start() throws Exception {
    server = ChatServer.start(directory);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void openAisClientReadsChatsStreamsCompletionsAndErrors() throws Exception {
    OpenAIClient client =
        OpenAIOkHttpClient.builder()
            .baseUrl(server.address() + "/v1")
            .apiKey("none")
            .maxRetries(0)
            .build();
    try {
      assertThat(client.models().list().data()).extracting(model -> model.id()).contains("tiny");

      ChatCompletion whole = client.chat().completions().create(chat().build());
      assertThat(whole.choices()).hasSize(1);
      assertThat(whole.choices().getFirst().finishReason())
          .isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
      assertThat(whole.usage().orElseThrow().completionTokens()).isEqualTo(TOKENS);
      assertThat(whole.choices().getFirst().logprobs().orElseThrow().content().orElseThrow())
          .hasSize(TOKENS)
          .allSatisfy(token -> assertThat(token.topLogprobs()).hasSize(2));

      ChatCompletionAccumulator parts = ChatCompletionAccumulator.create();
      try (StreamResponse<ChatCompletionChunk> stream =
          client
              .chat()
              .completions()
              .createStreaming(
                  chat()
                      .streamOptions(
                          ChatCompletionStreamOptions.builder().includeUsage(true).build())
                      .build())) {
        stream.stream().forEach(parts::accumulate);
      }
      ChatCompletion streamed = parts.chatCompletion();
      assertThat(content(streamed)).isEqualTo(content(whole));
      assertThat(streamed.usage().orElseThrow().totalTokens())
          .isEqualTo(whole.usage().orElseThrow().totalTokens());

      Completion text =
          client
              .completions()
              .create(
                  CompletionCreateParams.builder()
                      .model("tiny")
                      .prompt("To be")
                      .echo(true)
                      .logprobs(1)
                      .maxTokens(3)
                      .build());
      assertThat(text.choices().getFirst().text()).startsWith("To be");

      assertThatThrownBy(() -> client.chat().completions().create(chat().temperature(9.0).build()))
          .isInstanceOfSatisfying(
              BadRequestException.class,
              refused -> assertThat(refused.param()).contains("temperature"));
    } finally {
      client.close();
    }
  }

  @SuppressWarnings("deprecation") // OpenAI no longer recommends seeds
  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model("tiny")
        .addSystemMessage("Be brief.")
        .addUserMessage(QUESTION)
        .maxCompletionTokens(TOKENS)
        .logprobs(true)
        .topLogprobs(2)
        .seed(1);
  }

  private static String content(ChatCompletion completion) {
    return completion.choices().getFirst().message().content().orElseThrow();
  }

  @Test
  void langChain4jReadsChatsStreamsSchemasAndToolCalls() throws Exception {
    OpenAiChatModel model =
        OpenAiChatModel.builder()
            .baseUrl(server.address() + "/v1")
            .apiKey("none")
            .modelName("tiny")
            .seed(1)
            .timeout(Duration.ofMinutes(2))
            .maxRetries(0)
            .build();
    ChatRequest request =
        ChatRequest.builder().messages(UserMessage.from(QUESTION)).maxOutputTokens(TOKENS).build();
    ChatResponse whole = model.chat(request);
    assertThat(whole.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(whole.tokenUsage().outputTokenCount()).isEqualTo(TOKENS);

    StringBuilder parts = new StringBuilder();
    CompletableFuture<ChatResponse> end = new CompletableFuture<>();
    OpenAiStreamingChatModel.builder()
        .baseUrl(server.address() + "/v1")
        .apiKey("none")
        .modelName("tiny")
        .seed(1)
        .timeout(Duration.ofMinutes(2))
        .build()
        .chat(
            request,
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(String part) {
                parts.append(part);
              }

              @Override
              public void onCompleteResponse(ChatResponse response) {
                end.complete(response);
              }

              @Override
              public void onError(Throwable error) {
                end.completeExceptionally(error);
              }
            });
    ChatResponse streamed = end.get(2, TimeUnit.MINUTES);
    assertThat(streamed.aiMessage().text()).isEqualTo(whole.aiMessage().text());
    assertThat(parts).hasToString(whole.aiMessage().text());
    assertThat(streamed.tokenUsage().totalTokenCount())
        .isEqualTo(whole.tokenUsage().totalTokenCount());

    JsonObjectSchema sunny =
        JsonObjectSchema.builder()
            .addBooleanProperty("sunny")
            .required("sunny")
            .additionalProperties(false)
            .build();
    ChatResponse structured =
        model.chat(
            ChatRequest.builder()
                .messages(UserMessage.from(QUESTION))
                .maxOutputTokens(60)
                .responseFormat(
                    ResponseFormat.builder()
                        .type(ResponseFormatType.JSON)
                        .jsonSchema(JsonSchema.builder().name("weather").rootElement(sunny).build())
                        .build())
                .build());
    assertThat(new ObjectMapper().readTree(structured.aiMessage().text()).get("sunny").isBoolean())
        .isTrue();

    ChatResponse called =
        model.chat(
            ChatRequest.builder()
                .messages(UserMessage.from(QUESTION))
                .maxOutputTokens(200)
                .toolSpecifications(
                    ToolSpecification.builder()
                        .name("weather")
                        .parameters(
                            JsonObjectSchema.builder()
                                .addEnumProperty("city", List.of("Bern", "Oslo"))
                                .required("city")
                                .build())
                        .build())
                .toolChoice(ToolChoice.REQUIRED)
                .build());
    assertThat(called.aiMessage().toolExecutionRequests()).hasSize(1);
    assertThat(called.aiMessage().toolExecutionRequests().getFirst().name()).isEqualTo("weather");
    assertThat(called.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
  }

  @Test
  void springAiReadsChatsAndStreams() {
    org.springframework.ai.openai.OpenAiChatModel model =
        org.springframework.ai.openai.OpenAiChatModel.builder()
            .options(
                OpenAiChatOptions.builder()
                    .baseUrl(server.address() + "/v1")
                    .apiKey("none")
                    .model("tiny")
                    .maxTokens(TOKENS)
                    .seed(1)
                    .build())
            .build();
    var whole = model.call(new Prompt(QUESTION));
    AssistantMessage answer = Objects.requireNonNull(whole.getResult()).getOutput();
    assertThat(whole.getMetadata().getUsage().getCompletionTokens()).isEqualTo(TOKENS);
    assertThat(answer.getText()).isNotEmpty();

    StringBuilder parts = new StringBuilder();
    model.stream(new Prompt(QUESTION))
        .toIterable()
        .forEach(
            part -> {
              if (part.getResult() != null && part.getResult().getOutput().getText() != null) {
                parts.append(part.getResult().getOutput().getText());
              }
            });
    assertThat(parts).hasToString(answer.getText());
  }
}
