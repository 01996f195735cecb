package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.tokenizer.TokenTable.Kind;
import bitnet.tokenizer.TokenTable.Model;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenTableTest {
  private static final Path MISTRAL = Path.of("../../shared/data/tokenizer-mistral-v1.json");
  private static final List<String> TEXTS =
      List.of(
          "",
          " ",
          "Hello, world!",
          "  two  spaces and\ttabs\n\n\nlines  ",
          "numbers 1 12 123 1234 12345.678 and 'll don't I'VE",
          "Grüße, мир, 世界, 🙂👩‍👩‍👧, \u0000\u0007",
          "for (int i = 0; i < 10; i++) { sum += x[i]; }",
          "<s> and </s> <|endoftext|> <unk>",
          "ROMEO:\nBut, soft! what light through yonder window breaks?");

  @TempDir private Path directory;

  private static void assertSameTokens(Tokenizer actual, Tokenizer expected) {
    assertThat(actual.vocabSize()).isEqualTo(expected.vocabSize());
    for (String text : TEXTS) {
      int[] ids = expected.encode(text);
      assertThat(actual.encode(text)).as(text).isEqualTo(ids);
      assertThat(actual.encodeWithSpecialTokens(text))
          .as(text)
          .isEqualTo(expected.encodeWithSpecialTokens(text));
      assertThat(actual.decode(ids)).as(text).isEqualTo(expected.decode(ids));
    }
    assertThat(actual.beginOfText()).isEqualTo(expected.beginOfText());
    assertThat(actual.endOfText()).isEqualTo(expected.endOfText());
  }

  @Test
  void aSentencePieceTokenizerComesBackFromItsScores() throws IOException {
    assumeTrue(
        Files.exists(MISTRAL),
        "no Mistral tokenizer; save Mistral 7B v0.1's tokenizer.json as "
            + MISTRAL.toAbsolutePath().normalize());
    try (Tokenizer mistral = Tokenizer.load(MISTRAL)) {
      TokenTable table = TokenTable.of(mistral);
      assertThat(table.model()).isEqualTo(Model.SENTENCE_PIECE);
      assertThat(table.vocabulary().merges()).isEmpty();
      assertThat(table.vocabulary().kinds().subList(0, 4))
          .containsExactly(Kind.UNKNOWN, Kind.CONTROL, Kind.CONTROL, Kind.BYTE);
      assertThat(table.special().addsBegin()).isTrue();
      assertThat(table.addsSpace()).isTrue();
      try (Tokenizer again = table.tokenizer("again")) {
        assertSameTokens(again, mistral);
      }
    }
  }

  @Test
  void byteLevelTokenizersComeBackFromTheirMerges() throws IOException {
    for (boolean bundled : new boolean[] {true, false}) {
      try (Tokenizer tokenizer = bundled ? Tokenizer.bundled() : Tokenizer.byteLevel()) {
        TokenTable table = TokenTable.of(tokenizer);
        assertThat(table.model()).isEqualTo(Model.BYTE_LEVEL);
        assertThat(table.splitting()).isEqualTo("gpt-2");
        assertThat(table.vocabulary().scores()).isEmpty();
        try (Tokenizer again = table.tokenizer("again")) {
          assertSameTokens(again, tokenizer);
        }
        TokenTable padded = table.padded(table.tokens().size() + 5);
        assertThat(padded.tokens()).endsWith("[PAD%d]".formatted(table.tokens().size() + 4));
        assertThat(padded.vocabulary().kinds()).endsWith(Kind.UNUSED, Kind.UNUSED);
        try (Tokenizer again = padded.tokenizer("again")) {
          assertSameTokens(again, tokenizer);
        }
        assertThatThrownBy(() -> padded.padded(9))
            .hasMessageContaining("tokens but the model only 9");
      }
    }
  }

  private static TokenTable small(String splitting, List<String> tokens, List<String> merges) {
    return new TokenTable(
        Model.BYTE_LEVEL,
        splitting,
        false,
        new TokenTable.Vocabulary(
            tokens, Collections.nCopies(tokens.size(), Kind.NORMAL), List.of(), merges),
        new TokenTable.SpecialIds(OptionalInt.of(0), OptionalInt.of(1), OptionalInt.empty(), true),
        false,
        Optional.of("{{ messages }}"),
        Collections.emptySortedMap());
  }

  /// What llama.cpp's patterns do to a text is told by tokens that only some of the cuts allow.
  @ParameterizedTest
  @ValueSource(strings = {"llama-bpe", "gpt-2", "default", "qwen2"})
  void theCutsBetweenDigitsAreThoseOfTheNamedPattern(String splitting) throws IOException {
    List<String> tokens = List.of("1", "2", "11", "111", "1111");
    List<String> merges = List.of("1 1", "11 1", "11 11");
    try (Tokenizer tokenizer = small(splitting, tokens, merges).tokenizer("small")) {
      int[] expected =
          switch (splitting) {
            case "llama-bpe", "default" -> new int[] {3, 0};
            case "qwen2" -> new int[] {0, 0, 0, 0};
            default -> new int[] {4};
          };
      assertThat(tokenizer.encode("1111")).isEqualTo(expected);
      assertThat(TokenTable.of(tokenizer).splitting()).isEqualTo(splitting);
      assertThat(tokenizer.encodeWithSpecialTokens("2")).containsExactly(0, 1);
      assertThat(TokenTable.of(tokenizer).special().addsBegin()).isTrue();
      assertThat(TokenTable.of(tokenizer).chatTemplate()).contains("{{ messages }}");
    }
  }

  @Test
  void tablesThatContradictThemselvesAreRefused() {
    List<String> tokens = List.of("a", "b", "ab");
    assertRefused(small("gpt-2", List.of("a", "b", "a"), List.of()), "tokens 0 and 2 are both");
    assertRefused(small("gpt-2", tokens, List.of("a c")), "merge \"a c\" does not join");
    assertRefused(small("gpt-2", tokens, List.of("ab")), "merge \"ab\" does not join");
    assertRefused(small("tekken", tokens, List.of()), "\"tekken\" is not supported; supported are");
    assertThatThrownBy(
            () ->
                new TokenTable(
                    Model.SENTENCE_PIECE,
                    "",
                    false,
                    new TokenTable.Vocabulary(
                        tokens, Collections.nCopies(3, Kind.NORMAL), List.of(0f), List.of()),
                    TokenTable.SpecialIds.NONE,
                    false,
                    Optional.empty(),
                    Collections.emptySortedMap()))
        .hasMessageContaining("1 scores do not fit; there must be 3");
  }

  @Test
  void piecesOfTheSameScoreAreRefused() {
    boolean[] all = {true, true, true, true};
    List<String> tokens = List.of("a", "b", "ab", "ba");
    assertThat(PieceMerges.of(tokens, all, new float[] {0, 0, -2, -1}))
        .containsExactly("b a", "a b");
    assertThatThrownBy(() -> PieceMerges.of(tokens, all, new float[] {0, 0, -1, -1}))
        .hasMessageContaining("tokens 2 and 3 have the same score -1.0");
    assertThatThrownBy(() -> PieceMerges.scores(tokens, all, List.of("a b")))
        .hasMessageContaining("the merges do not rank the pieces");
  }

  private static void assertRefused(TokenTable table, String reason) {
    assertThatThrownBy(() -> table.tokenizer("some.gguf"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("some.gguf: ")
        .hasMessageContaining(reason);
  }

  @Test
  void aTokenizerThatLlamaCppDoesNotKnowIsRefused() throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("tokenizer.json"),
            """
            {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
            """);
    try (Tokenizer words = Tokenizer.load(file)) {
      assertThatThrownBy(() -> TokenTable.of(words))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("has no GGUF form")
          .hasMessageContaining("use an hf format");
    }
  }
}
