package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
  private static final Path MISTRAL = Path.of("../../shared/data/tokenizer-mistral-v1.json");
  private static final Path FIXTURE =
      Path.of("src/test/resources/fixtures/tokenizers/mistral-v1-ids.json");

  @TempDir private Path directory;

  private static Tokenizer mistral() throws IOException {
    assumeTrue(
        Files.exists(MISTRAL),
        "no Mistral tokenizer; save Mistral 7B v0.1's tokenizer.json as "
            + MISTRAL.toAbsolutePath().normalize());
    return Tokenizer.load(MISTRAL);
  }

  private static JsonNode fixture() throws IOException {
    return new ObjectMapper().readTree(FIXTURE.toFile());
  }

  private static int[] ids(JsonNode node) {
    return IntStream.range(0, node.size()).map(i -> node.get(i).intValue()).toArray();
  }

  private static String streamed(Tokenizer tokenizer, int[] ids) {
    StreamDecoder stream = tokenizer.streamDecoder();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(stream.next(id));
    }
    return text.append(stream.finish()).toString();
  }

  @Test
  void mistralsIdsAndTextsAreThoseOfTheReference() throws IOException {
    try (Tokenizer tokenizer = mistral()) {
      for (JsonNode example : fixture()) {
        String text = example.get("text").asText();
        int[] ids = ids(example.get("ids"));
        assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
        assertThat(tokenizer.encodeWithSpecialTokens(text))
            .as(text)
            .isEqualTo(ids(example.get("ids_special")));
        assertThat(tokenizer.decode(ids)).isEqualTo(example.get("decoded").asText());
      }
    }
  }

  @Test
  void aStreamJoinedIsTheDecodedText() throws IOException {
    try (Tokenizer tokenizer = mistral()) {
      for (JsonNode example : fixture()) {
        assertThat(streamed(tokenizer, ids(example.get("ids_special"))))
            .isEqualTo(example.get("decoded").asText());
      }
    }
  }

  @Test
  void mistralsSpecialTokensAreFoundByTheirUsualNames() throws IOException {
    try (Tokenizer tokenizer = mistral()) {
      assertThat(tokenizer.vocabSize()).isEqualTo(32000);
      assertThat(tokenizer.beginOfText()).hasValue(1);
      assertThat(tokenizer.endOfText()).hasValue(2);
      assertThat(tokenizer.id("▁Hello")).hasValue(22557);
      assertThat(tokenizer.id("no such token")).isEmpty();
    }
  }

  @Test
  void aLongTextIsNeitherTruncatedNorPadded() throws IOException {
    try (Tokenizer tokenizer = mistral()) {
      assertThat(tokenizer.encode("Hello ".repeat(5000))).hasSizeGreaterThan(5000);
      assertThat(tokenizer.encode("Hello")).hasSize(1);
    }
  }

  @Test
  void byteLevelIdsAreTheUtf8Bytes() {
    String text = "naïve 👩‍🚀\n\0\t <|endoftext|> 日本";
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] expected = IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xFF).toArray();
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      assertThat(tokenizer.vocabSize()).isEqualTo(256);
      assertThat(tokenizer.encode(text)).isEqualTo(expected);
      assertThat(tokenizer.encodeWithSpecialTokens(text)).isEqualTo(expected);
      assertThat(tokenizer.decode(expected)).isEqualTo(text);
      assertThat(tokenizer.encode("")).isEmpty();
      assertThat(tokenizer.decode(new int[0])).isEmpty();
      assertThat(tokenizer.endOfText()).isEmpty();
      assertThat(tokenizer.beginOfText()).isEmpty();
    }
  }

  @Test
  void aStreamOfAnyBytesIsWhatDecodingThemAllGives() {
    Random random = new Random(1);
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      for (int round = 0; round < 2000; round++) {
        int[] ids = random.ints(20, 0x80, 0x100).map(id -> id % 7 == 0 ? 'a' : id).toArray();
        assertThat(streamed(tokenizer, ids)).isEqualTo(tokenizer.decode(ids));
      }
    }
  }

  @Test
  void aStreamHoldsACharacterBackUntilItsLastByte() {
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      StreamDecoder stream = tokenizer.streamDecoder();
      assertThat(stream.next('a')).isEqualTo("a");
      assertThat(stream.next(0xF0)).isEmpty();
      assertThat(stream.next(0x9F)).isEmpty();
      assertThat(stream.next(0x98)).isEmpty();
      assertThat(stream.next(0x80)).isEqualTo("😀");
      assertThat(stream.next(0xC3)).isEmpty();
      assertThat(stream.finish()).isEqualTo("\uFFFD");
      assertThat(stream.finish()).isEmpty();
    }
  }

  @Test
  void aByteFallbackStreamHoldsACharacterBackUntilItsLastByte() throws IOException {
    try (Tokenizer tokenizer = mistral()) {
      StreamDecoder stream = tokenizer.streamDecoder();
      int hello = tokenizer.id("▁Hello").orElseThrow();
      assertThat(stream.next(tokenizer.id("<0xC3>").orElseThrow())).isEmpty();
      assertThat(stream.next(tokenizer.id("<0xA9>").orElseThrow())).isEqualTo("é");
      assertThat(stream.next(hello)).isEqualTo(" Hello");
      assertThat(stream.next(tokenizer.endOfText().orElseThrow())).isEmpty();
      assertThat(stream.next(hello)).isEqualTo(" Hello");
    }
  }

  @Test
  void anIdOutsideTheVocabularyIsRefused() {
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.decode(new int[] {1, 256}))
          .withMessageContaining("token id 256 is outside the vocabulary of 256");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.streamDecoder().next(-1))
          .withMessageContaining("token id -1");
    }
  }

  @Test
  void aSavedTokenizerHasTheSameBytesAndTheSameSpecialTokens() throws IOException {
    try (Tokenizer tokenizer = mistral()) {
      tokenizer.save(directory.resolve("new"));
    }
    assertThat(directory.resolve("new/tokenizer.json")).hasSameBinaryContentAs(MISTRAL);
    try (Tokenizer tokenizer = Tokenizer.load(directory.resolve("new"))) {
      assertThat(tokenizer.beginOfText()).hasValue(1);
      assertThat(tokenizer.endOfText()).hasValue(2);
    }
  }

  @Test
  void theConfigBesideTheFileNamesTheSpecialTokensAndIsSavedAsItWas() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      tokenizer.save(directory);
    }
    String config = "{\"eos_token\": {\"content\": \"<|pad|>\"}, \"bos_token\": \"a\", \"x\": 1}";
    Files.writeString(directory.resolve("tokenizer_config.json"), config);
    try (Tokenizer tokenizer = Tokenizer.load(directory.resolve("tokenizer.json"))) {
      assertThat(tokenizer.endOfText()).isEqualTo(tokenizer.id("<|pad|>"));
      assertThat(tokenizer.beginOfText()).isEqualTo(tokenizer.id("a"));
      tokenizer.save(directory.resolve("copy"));
    }
    assertThat(directory.resolve("copy/tokenizer_config.json")).hasContent(config);
  }

  private static String digest(Path directory) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.load(directory)) {
      return tokenizer.digest();
    }
  }

  @Test
  void theDigestIsOfWhatDecidesTheIdsOfATextOnly() throws IOException {
    String bundled;
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      tokenizer.save(directory);
      bundled = tokenizer.digest();
    }
    Path file = directory.resolve("tokenizer.json");
    ObjectNode root = (ObjectNode) new ObjectMapper().readTree(file.toFile());
    root.remove("truncation");
    root.set("version", root.remove("version")); // at the end now
    Files.writeString(file, root.toPrettyString());
    assertThat(digest(directory)).isEqualTo(bundled);

    Path config = directory.resolve("tokenizer_config.json");
    Files.writeString(config, "{\"eos_token\": \"<|pad|>\"}");
    assertThat(digest(directory)).isNotEqualTo(bundled);
    Files.delete(config);
    assertThat(digest(directory)).isEqualTo(bundled);

    Files.writeString(file, root.toString().replaceFirst("\"merges\":\\[.*?,", "\"merges\":["));
    assertThat(digest(directory)).isNotEqualTo(bundled);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "a", "  two  spaces \n\n\tend ", "naïve — 👩‍🚀 日本語", "\0\u0001", "'tis it's"})
  void theBundledTokenizerGivesEveryTextBack(String text) {
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      int[] ids = tokenizer.encode(text);
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
      assertThat(streamed(tokenizer, ids)).isEqualTo(text);
    }
  }

  @Test
  void theBundledTokenizerEndsATextWithItsFirstToken() {
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      assertThat(tokenizer.vocabSize()).isEqualTo(4096);
      assertThat(tokenizer.endOfText()).hasValue(0);
      assertThat(tokenizer.encode("a<|endoftext|>")).hasSize(2).endsWith(0);
      assertThat(tokenizer.decode(tokenizer.encode("a<|endoftext|>"))).isEqualTo("a");
    }
  }
}
