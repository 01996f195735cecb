package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.model.BlankWeights;
import bitnet.model.LanguageModel;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.TernarizedWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ConversationTest {
  private static final Tokenizer BYTES = Tokenizer.byteLevel();
  private static final LlamaConfig CONFIG =
      LlamaConfig.of(256, 64, 128, 2, 4).withKeyValueHeads(2).withContextLength(400);
  private static final GenerationSettings SETTINGS =
      GenerationSettings.of(12, new SamplingSettings(0.9, 0, 1, 0, 1, 5));

  private static LanguageModel model;
  private static Generator generator;

  private final List<String> pieces = new ArrayList<>();

  @BeforeAll
  static void load() throws IOException {
    TernarizedWeights weights =
        new TernarizedWeights(new BlankWeights(CONFIG, new LatentInitializer(4, 0.05)));
    model =
        new TernaryLanguageModel(
            TernaryLlama.load(weights, RuntimeSettings.exact().withThreads(1)));
    generator = new Generator(model, BYTES);
  }

  @AfterAll
  static void close() {
    model.close();
    BYTES.close();
  }

  private static Conversation plain() {
    return new Conversation(model, BYTES, generator, Optional.empty(), SETTINGS);
  }

  private Completion say(Conversation conversation, String text) {
    return conversation.say(text, pieces::add, () -> false);
  }

  /// The same text given to the generator as one prompt, with the numbers of that turn.
  private static Completion alone(String prompt, long sequence) {
    GenerationSettings stops =
        new GenerationSettings(
            SETTINGS.maxTokens(), List.of("</assistant>", "<user>"), SETTINGS.sampling());
    return generator.generate(BYTES.encode(prompt), sequence, stops, piece -> {});
  }

  @Test
  void everyTurnContinuesTheConversationAndOnlyWhatIsNewIsRead() {
    String text =
        "<user>Hello</user><assistant>Hi, you!</assistant>"
            + "<user>Again?</user><assistant>Yes.</assistant><user>";
    try (MemorizedSequenceModel recital = MemorizedSequenceModel.of(text, 200);
        Conversation conversation =
            new Conversation(
                recital,
                BYTES,
                new Generator(recital, BYTES),
                Optional.empty(),
                GenerationSettings.of(40, SamplingSettings.GREEDY))) {
      Completion first = say(conversation, "Hello");
      assertThat(first.text()).isEqualTo("Hi, you!");
      assertThat(String.join("", pieces)).isEqualTo("Hi, you!");
      assertThat(first.timings().promptTokens())
          .isEqualTo("<user>Hello</user><assistant>".length());

      Completion second = say(conversation, "Again?");
      assertThat(second.text()).isEqualTo("Yes.");
      // the last character of the end tag was drawn, but not read
      assertThat(second.timings().promptTokens())
          .isEqualTo("><user>Again?</user><assistant>".length());
      assertThat(conversation.turns()).isEqualTo(4);
    }
  }

  @Test
  void instructionsComeFirstAndResetForgetsTheTurns() {
    try (Conversation conversation = plain()) {
      conversation.reset("Be brief");
      String answer = say(conversation, "Hi").text();
      String prompt = "<system>Be brief</system><user>Hi</user><assistant>";
      assertThat(answer).isEqualTo(alone(prompt, 1).text());
      conversation.reset();
      assertThat(conversation.turns()).isZero();
      assertThat(say(conversation, "Hi").text()).isEqualTo(answer);
    }
  }

  @Test
  void anInterruptedAnswerStaysAsFarAsItCame() {
    try (Conversation conversation = plain()) {
      Completion stopped = conversation.say("Hello", pieces::add, () -> pieces.size() >= 3);
      assertThat(stopped.finish()).isEqualTo(FinishReason.INTERRUPTED);
      assertThat(stopped.tokens().length).isLessThan(SETTINGS.maxTokens());
      assertThat(conversation.turns()).isEqualTo(2);
    }
  }

  @Test
  void theOldestTurnsAreForgottenWhereTheContextIsFull() {
    try (Conversation conversation = plain()) {
      for (int i = 0; i < 12; i++) {
        say(conversation, "a sentence of some length, number " + i);
      }
      assertThat(conversation.turns()).isLessThan(24).isGreaterThan(2);
      assertThatThrownBy(() -> say(conversation, "x".repeat(500)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the model's context is 400; shorten it");
      say(conversation, "and on");
    }
  }
}
