package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GeneratorTest {
  private static final Tokenizer BYTES = Tokenizer.byteLevel();
  private static final int CONTEXT = 64;

  private final List<String> pieces = new ArrayList<>();

  @AfterAll
  static void close() {
    BYTES.close();
  }

  private static GenerationSettings greedy(int maxTokens, String... stops) {
    return new GenerationSettings(maxTokens, List.of(stops), SamplingSettings.GREEDY);
  }

  private static int[] numbered(int count) {
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = i;
    }
    return ids;
  }

  /// Recites what follows the prompt in a text.
  private Completion recite(String prompt, String rest, GenerationSettings settings) {
    return new Generator(
            MemorizedSequenceModel.of(prompt + rest + "\0\0\0\0", CONTEXT), BYTES, Set.of(0))
        .generate(prompt, settings, pieces::add);
  }

  @Test
  void textArrivesInWholeCharactersHoweverManyTokensTheyTake() {
    Completion completion = recite("Say: ", "naïve 漢字 😀!", greedy(50));
    assertThat(pieces).containsExactly("n", "a", "ï", "v", "e", " ", "漢", "字", " ", "😀", "!");
    assertThat(completion.text()).isEqualTo("naïve 漢字 😀!");
    assertThat(completion.tokens()).hasSize(6 + 1 + 6 + 1 + 4 + 1 + 1);
    assertThat(completion.finish()).isEqualTo(FinishReason.EOS);
  }

  @Test
  void aCharacterThatStaysUnfinishedIsShownAsSuchAtTheEnd() {
    Completion completion = recite("a", "b😀", greedy(3));
    assertThat(completion.text()).isEqualTo("b\uFFFD");
    assertThat(String.join("", pieces)).isEqualTo(completion.text());
  }

  @ParameterizedTest
  @CsvSource({
    "one END two, END, 'one ', 7",
    "one END two, 'END|one', '', 3",
    "one END two, 'zwei|E', 'one ', 5",
    "日本語。次, 。, 日本語, 12",
  })
  void theTextEndsBeforeAStopStringThatTokensMadeTogether(
      String text, String stops, String expected, int tokens) {
    Completion completion = recite("> ", text, greedy(50, stops.split("\\|", -1)));
    assertThat(completion.text()).isEqualTo(expected);
    assertThat(String.join("", pieces)).isEqualTo(expected);
    assertThat(completion.finish()).isEqualTo(FinishReason.STOP);
    assertThat(completion.tokens()).hasSize(tokens);
  }

  @Test
  void whatWasHeldBackForAStopStringAppearsWhenTheTextEndsOtherwise() {
    assertThat(recite(">", "the EN", greedy(50, "END")).text()).isEqualTo("the EN");
    assertThat(pieces).containsExactly("t", "h", "e", " ", "EN");
  }

  @Test
  void theEndTokenIsCountedButHasNoText() {
    Completion completion = recite(">", "ab", greedy(50));
    assertThat(completion.text()).isEqualTo("ab");
    assertThat(completion.tokens()).containsExactly('a', 'b', 0);
    assertThat(completion.logProbabilities()).containsExactly(0, 0, 0);
    assertThat(completion.modelLogProbabilities()).hasSize(3).doesNotContain(0);
  }

  @Test
  void theTokenizersOwnEndTokenEndsATextToo() {
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      int end = tokenizer.endOfText().orElseThrow();
      int word = tokenizer.encode("word")[0];
      Generator generator =
          new Generator(
              MemorizedSequenceModel.of(tokenizer.vocabSize(), 9, 0, word, word, end), tokenizer);
      Completion completion = generator.generate(new int[] {word}, 0, greedy(9), pieces::add);
      assertThat(completion.tokens()).containsExactly(word, word, end);
      assertThat(completion.finish()).isEqualTo(FinishReason.EOS);
    }
  }

  @Test
  void theWantedLengthCountsNewTokens() {
    Completion completion = recite("12345", "abcdef", greedy(4));
    assertThat(completion.text()).isEqualTo("abcd");
    assertThat(completion.finish()).isEqualTo(FinishReason.LENGTH);
    assertThat(completion.timings().promptTokens()).isEqualTo(5);
    assertThat(completion.timings().decodedTokens()).isEqualTo(3);
    assertThat(completion.timings().prefillTokensPerSecond()).isPositive();
    assertThat(completion.timings().decodeTokensPerSecond()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 60, 63, 64})
  void aFullContextEndsTheTextAfterTheTokenThatFollowsIt(int promptLength) {
    String prompt = "x".repeat(promptLength);
    Completion completion = recite(prompt, "y".repeat(100), greedy(1000));
    assertThat(completion.finish()).isEqualTo(FinishReason.CONTEXT);
    assertThat(completion.text()).isEqualTo("y".repeat(CONTEXT - promptLength + 1));
  }

  @Test
  void aPromptLongerThanTheContextIsRefused() {
    assertThatThrownBy(() -> recite("x".repeat(65), "y", greedy(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the prompt has 65 tokens, but the model's context is 64; shorten it");
  }

  @Test
  void anEmptyPromptStartsFromASpecialTokenOrIsRefused() {
    assertThatThrownBy(() -> recite("", "y", greedy(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prompt is empty")
        .hasMessageContaining("give at least one character");
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      Generator generator =
          new Generator(MemorizedSequenceModel.of(5000, 9, numbered(10)), tokenizer);
      int start = tokenizer.beginOfText().orElseGet(() -> tokenizer.endOfText().orElseThrow());
      assertThat(generator.promptTokens("")).containsExactly(start);
    }
  }

  @Test
  void tokensBeyondTheTokenizerHaveNoText() {
    Generator generator =
        new Generator(MemorizedSequenceModel.of(300, 9, 0, 'a', 280, 'b', 280), BYTES);
    Completion completion = generator.generate(new int[] {299}, 0, greedy(4), pieces::add);
    assertThat(completion.tokens()).containsExactly('a', 280, 'b', 280);
    assertThat(completion.text()).isEqualTo("ab");
  }

  @Test
  void aTokenizerLargerThanTheModelIsRefused() {
    assertThatThrownBy(() -> new Generator(MemorizedSequenceModel.of(200, 9, 0), BYTES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("256 tokens but the model 200");
  }

  @Test
  void theFirstWordOfACompletionKeepsItsSpace() throws IOException {
    Path file = Path.of("../../shared/data/tokenizer-mistral-v1.json");
    assumeTrue(
        Files.exists(file),
        "no Mistral tokenizer; save Mistral 7B v0.1's tokenizer.json as "
            + file.toAbsolutePath().normalize());
    try (Tokenizer tokenizer = Tokenizer.load(file)) {
      int[] whole = tokenizer.encode("Hello wide world");
      int[] prompt = tokenizer.encode("Hello");
      Generator generator =
          new Generator(MemorizedSequenceModel.of(tokenizer.vocabSize(), 20, whole), tokenizer);
      Completion completion =
          generator.generate(prompt, 0, greedy(whole.length - prompt.length), pieces::add);
      assertThat(completion.text()).isEqualTo(" wide world");
    }
  }
}
