package bitnet.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.checkpoint.ModelDirectory;
import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import example.SpringAiExample;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/// The adapter over a real engine, with random weights.
class BitNetChatModelTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  @TempDir private static Path directory;
  private static Path path;
  private static BatchedModel engine;
  private static BitNetChatModel model;

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
    model =
        new BitNetChatModel(
            engine, ChatOptions.builder().model("tiny").temperature(0.0).maxTokens(12).build());
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void aStreamHasTheTextOfTheWholeAnswerAndItsUsage() {
    Prompt prompt = new Prompt("Hi");
    ChatResponse whole = model.call(prompt);
    List<ChatResponse> pieces =
        Objects.requireNonNull(model.stream(prompt).collectList().block(MINUTE));

    String text = Objects.requireNonNull(whole.getResult()).getOutput().getText();
    assertThat(text).isNotEmpty();
    assertThat(
            pieces.stream()
                .map(piece -> Objects.requireNonNull(piece.getResult()).getOutput().getText())
                .collect(Collectors.joining()))
        .isEqualTo(text);
    assertThat(whole.getMetadata().getUsage().getCompletionTokens()).isEqualTo(12);
    assertThat(whole.getMetadata().getUsage().getPromptTokens())
        .isEqualTo(engine.promptTokens("<user>Hi</user><assistant>").length);
    assertThat(pieces.getLast().getMetadata().getUsage().getTotalTokens())
        .isEqualTo(whole.getMetadata().getUsage().getTotalTokens());
    assertThat(Objects.requireNonNull(pieces.getLast().getResult()).getMetadata().getFinishReason())
        .isEqualTo("LENGTH");
    assertThat(whole.getMetadata().getModel()).isEqualTo("tiny");
  }

  @Test
  void aChatClientUsesItWithOptionsOfItsOwn() {
    ChatClient client = ChatClient.create(model);

    ChatResponse answer =
        Objects.requireNonNull(
            client
                .prompt()
                .system("Be brief.")
                .user("Hi")
                .options(ChatOptions.builder().maxTokens(3))
                .call()
                .chatResponse());
    assertThat(answer.getMetadata().getUsage().getCompletionTokens()).isEqualTo(3);
    assertThat(client.prompt().user("Hi").stream().content().collectList().block(MINUTE))
        .isNotEmpty();
  }

  @Test
  void aSubscriptionThatIsCancelledEndsTheAnswer() {
    ChatOptions endless = ChatOptions.builder().maxTokens(200).temperature(1.0).build();
    assertThat(model.stream(new Prompt("Hi", endless)).take(2).collectList().block(MINUTE))
        .hasSize(2);
    assertThat(model.call(new Prompt("Hi")).getResult()).isNotNull();
  }

  @Test
  void whatIsOutOfRangeIsRefused() {
    Prompt hot = new Prompt("Hi", ChatOptions.builder().presencePenalty(-3.0).build());

    assertThatThrownBy(() -> model.call(hot))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("presence_penalty -3.0 is not from -2 to 2");
  }

  @Test
  void anApplicationGetsTheModelOfItsProperties() {
    ApplicationContextRunner runner =
        new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(BitNetAutoConfiguration.class));

    runner.run(context -> assertThat(context.getBeansOfType(ChatModel.class)).isEmpty());
    runner
        .withPropertyValues(
            "spring.ai.bitnet.model-path=" + path,
            "spring.ai.bitnet.model=mine",
            "spring.ai.bitnet.max-tokens=4")
        .run(
            context -> {
              ChatResponse answer = context.getBean(ChatModel.class).call(new Prompt("Hi"));
              assertThat(answer.getMetadata().getModel()).isEqualTo("mine");
              assertThat(answer.getMetadata().getUsage().getCompletionTokens())
                  .isLessThanOrEqualTo(4);
            });
  }

  @Test
  void theExampleRuns() throws IOException {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(out);
      SpringAiExample.main(new String[] {path.toString(), "Hi"});
    } finally {
      System.setOut(before);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).isNotBlank();
  }
}
