package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextDatasetTest {
  @TempDir Path directory;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }

  private String tokens(String text, TextFormat format) throws IOException {
    try (TextDataset dataset =
        ByteTokens.open(file("text", text), format, BadRecordPolicy.STOP, directory)) {
      return ByteTokens.text(dataset.tokens());
    }
  }

  @Test
  void aLineIsAnExampleThatEndOfTextEnds() throws IOException {
    assertThat(tokens("one\ntwo\n", TextFormat.LINES)).isEqualTo("one|two|");
  }

  @ParameterizedTest
  @ValueSource(strings = {"one\ntwo", "one\r\ntwo\r\n", "\uFEFFone\ntwo\n", "\uFEFFone\r\ntwo"})
  void lineEndsAndAByteOrderMarkAreNotPartOfALine(String text) throws IOException {
    assertThat(tokens(text, TextFormat.LINES)).isEqualTo("one|two|");
  }

  private TextDataset masked(String text, TextFormat format) throws IOException {
    return TextDataset.open(
        file("text", text),
        format,
        BadRecordPolicy.STOP,
        LossMask.PROMPTS,
        Packing.STREAM,
        ByteTokens.WITH_END,
        directory);
  }

  @Test
  void maskedPromptsAreReadButAreNoTargets() throws IOException {
    String prompt = QaTemplate.prompt("?");
    try (TextDataset dataset =
        masked("{\"query\":\"?\",\"answer\":\"yes\"}\n{\"text\":\"all\"}\n", TextFormat.JSONL)) {
      TokenStream tokens = dataset.tokens();
      assertThat(ByteTokens.text(tokens)).isEqualTo(prompt + "yes|all|");
      assertThat(dataset.report().bytes()).isEqualTo(prompt.length() + 6);
      int seq = (int) tokens.size() - 1;

      TokenBatch batch = new EvaluationBatches(tokens, 1, seq).iterator().next();

      assertThat(batch.inputs()[0]).isEqualTo('<');
      assertThat(batch.counted()).isEqualTo(8);
      int[] targets = new int[seq];
      Arrays.fill(targets, TokenBatch.NO_TARGET);
      tokens.copy(prompt.length(), 8, targets, prompt.length() - 1);
      assertThat(batch.targets()).containsExactly(targets);
    }
  }

  @Test
  void aLongPromptIsMaskedPieceByPiece() throws IOException {
    String question = "x".repeat(2 * ExampleTokenizer.PIECE);
    String prompt = QaTemplate.prompt(question);
    try (TextDataset dataset =
        masked("{\"query\":\"%s\",\"answer\":\"yes\"}\n".formatted(question), TextFormat.JSONL)) {
      TokenStream tokens = dataset.tokens();
      assertThat(ByteTokens.text(tokens)).isEqualTo(prompt + "yes|");
      int seq = (int) tokens.size() - 1;
      assertThat(new EvaluationBatches(tokens, 1, seq).iterator().next().counted()).isEqualTo(4);
    }
  }

  @Test
  void whereThereIsNoPromptThereIsNothingToMask() {
    assertThatThrownBy(() -> masked("plain\n", TextFormat.LINES))
        .isInstanceOf(BadRecordException.class)
        .hasMessageContaining("holds no question; completion_only_loss needs");
  }

  @Test
  void whiteSpaceWithinALineStays() throws IOException {
    assertThat(tokens("  one \r x\n\ttwo\t\n", TextFormat.LINES)).isEqualTo("  one \r x|\ttwo\t|");
  }

  @ParameterizedTest
  @ValueSource(strings = {"one\n\ntwo\r\n", "\uFEFFa\n", "no line break", "\n\n", "x"})
  void aDocumentIsKeptByteForByte(String text) throws IOException {
    assertThat(tokens(text, TextFormat.DOCUMENT)).isEqualTo(text + "|");
  }

  @Test
  void withoutAnEndOfTextLinesArePartedByALineBreakAndADocumentIsItsBytesOnly() throws IOException {
    Path file = file("text", "one\r\ntwo");
    try (TextDataset lines =
            TextDataset.open(
                file, TextFormat.LINES, BadRecordPolicy.STOP, ByteTokens.PLAIN, directory);
        TextDataset document =
            TextDataset.open(
                file, TextFormat.DOCUMENT, BadRecordPolicy.STOP, ByteTokens.PLAIN, directory)) {
      assertThat(ByteTokens.text(lines.tokens())).isEqualTo("one\ntwo\n");
      assertThat(ByteTokens.text(document.tokens())).isEqualTo("one\r\ntwo");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      value = {
        "{'text':'a'}¶{'id':7,'text':'b\\n\\u00e9','more':{'text':[1]}}¶ % JSONL",
        "{'text':'a'}§¶{'text':'b\\né'} % JSONL",
        "BOM{'text':'a'}¶{'text':'b\\né', 'id':1, 'id':2}¶ % JSONL",
        "[{'text':'a'},¶ {'more':{'text':[1]},'text':'b\\né'}]¶ % JSON",
        "BOM[{'text':'a'},{'text':'b\\né'}] % JSON",
      })
  void theTextOfJsonRecordsIsRead(String json, TextFormat format) throws IOException {
    String text =
        json.replace('\'', '"').replace('¶', '\n').replace('§', '\r').replace("BOM", "\uFEFF");
    assertThat(tokens(text, format)).isEqualTo("a|b\né|");
  }

  @Test
  void aSurrogatePairInJsonIsOneEmoji() throws IOException {
    assertThat(tokens("{\"text\":\"\\ud83d\\ude00\"}", TextFormat.JSONL)).isEqualTo("😀|");
  }

  @ParameterizedTest
  @ValueSource(ints = {65_533, 65_534, 65_535, 65_536, 1_048_573, 1_048_574, 1_048_575, 1_048_576})
  void anEmojiThatABufferEndsInStaysWhole(int before) throws IOException {
    String text = "x".repeat(before) + "😀".repeat(3) + "y";
    assertThat(tokens(text, TextFormat.LINES)).isEqualTo(text + "|");
    assertThat(tokens(text, TextFormat.DOCUMENT)).isEqualTo(text + "|");
  }

  @ParameterizedTest
  @ValueSource(strings = {"word ", "😀", "line\n"})
  void textsOfTenMegabytesAreTokenizedInPartsThatAddUp(String unit) throws IOException {
    String text = unit.repeat(10_000_000 / unit.length());
    assertThat(tokens(text, TextFormat.DOCUMENT)).isEqualTo(text + "|");
    if (!unit.endsWith("\n")) {
      assertThat(tokens("a\n" + text + "\nz", TextFormat.LINES)).isEqualTo("a|" + text + "|z|");
      assertThat(tokens("{\"text\":\"" + text + "\"}", TextFormat.JSONL)).isEqualTo(text + "|");
    }
  }

  @Test
  void aLongTextIsTokenizedInPartsCutBeforeASpace() throws IOException {
    Path file = file("text", "word" + " and word".repeat(300_000));
    List<String> parts = new ArrayList<>();
    TokenEncoding encoding =
        new TokenEncoding(
            text -> {
              parts.add(text);
              return ByteTokens.encode(text);
            },
            OptionalInt.of(0),
            256);
    TextDataset.open(file, TextFormat.LINES, BadRecordPolicy.STOP, encoding, directory).close();
    assertThat(String.join("", parts)).isEqualTo(Files.readString(file));
    assertThat(parts)
        .hasSize(3)
        .allMatch(part -> part.length() <= 1 << 20)
        .allMatch(part -> part.matches("(?s)( ?word| and).*(word|and)"));
  }

  @Test
  void tokensOfALargeVocabularyAreKeptInFull() throws IOException {
    TokenEncoding encoding =
        new TokenEncoding(
            text -> new int[] {0, 65_535, 65_536, 127_999}, OptionalInt.of(5), 128_000);
    Path file = file("text", "one\ntwo\n");
    try (TextDataset dataset =
        TextDataset.open(file, TextFormat.LINES, BadRecordPolicy.STOP, encoding, directory)) {
      int[] tokens = new int[10];
      dataset.tokens().copy(0, 10, tokens, 0);
      assertThat(tokens)
          .containsExactly(0, 65_535, 65_536, 127_999, 5, 0, 65_535, 65_536, 127_999, 5);
    }
  }

  @Test
  void tokensOfAVocabularyOf65536AreKeptInTwoBytes() throws IOException {
    TokenEncoding encoding =
        new TokenEncoding(text -> new int[] {0, 32_768, 65_535}, OptionalInt.empty(), 65_536);
    Path file = file("text", "one");
    try (TextDataset dataset =
        TextDataset.open(file, TextFormat.DOCUMENT, BadRecordPolicy.STOP, encoding, directory)) {
      assertThat(dataset.tokens().size()).isEqualTo(3);
      assertThat(dataset.tokens().at(1)).isEqualTo(32_768);
      assertThat(dataset.tokens().at(2)).isEqualTo(65_535);
    }
  }

  @Test
  void aTokenOutsideTheVocabularyIsRefused() throws IOException {
    TokenEncoding encoding = new TokenEncoding(text -> new int[] {300}, OptionalInt.empty(), 256);
    Path file = file("text", "one");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                TextDataset.open(
                    file, TextFormat.DOCUMENT, BadRecordPolicy.STOP, encoding, directory))
        .withMessageContaining("token 300 for a vocabulary of 256");
  }

  @Test
  void aClosedDatasetLeavesNoFileAndGivesNoTokens() throws IOException {
    Path file = file("text", "one\n");
    Path cache = directory.resolve("new/cache");
    TextDataset dataset = ByteTokens.open(file, TextFormat.LINES, BadRecordPolicy.STOP, cache);
    assertThat(dataset.tokens().at(0)).isEqualTo('o');
    dataset.close();
    try (Stream<Path> left = Files.list(cache)) {
      assertThat(left).isEmpty();
    }
    assertThatIllegalStateException().isThrownBy(() -> dataset.tokens().at(0));
  }

  @Test
  void theReportCountsExamplesTokensAndBytesOfText() throws IOException {
    try (TextDataset dataset =
        ByteTokens.open(
            file("text", "añb\r\n😀\n"), TextFormat.LINES, BadRecordPolicy.STOP, directory)) {
      assertThat(dataset.report())
          .isEqualTo(new DataReport(2, 10, 8, 0, List.of(), dataset.report().lengths()));
      assertThat(dataset.report().lengths().summary(4))
          .isEqualTo("5 to 5 tokens, median 5, 99% of at most 5; 2 longer than 4");
      assertThat(dataset.report().summary()).isEqualTo("2 examples, 10 tokens, 8 bytes");
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 1000", "0.1, 900", "0.25, 750", "0.999, 1"})
  void theLastPartOfTheTextIsHeldOut(double fraction, long cut) throws IOException {
    Path file = file("text", "abcdefghij".repeat(100));
    try (TextDataset dataset =
        TextDataset.open(
            file, TextFormat.DOCUMENT, BadRecordPolicy.STOP, ByteTokens.PLAIN, directory)) {
      TextDataset.Split split = dataset.split(fraction);
      assertThat(split.training().size()).isEqualTo(cut);
      assertThat(ByteTokens.text(split.training()) + ByteTokens.text(split.heldOut()))
          .isEqualTo("abcdefghij".repeat(100));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, 2, Double.NaN})
  void aHeldOutFractionOutsideItsRangeIsRefused(double fraction) throws IOException {
    try (TextDataset dataset =
        ByteTokens.open(file("text", "abc"), TextFormat.LINES, BadRecordPolicy.STOP, directory)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> dataset.split(fraction))
          .withMessageContaining("eval_fraction " + fraction);
    }
  }

  @Test
  void tinyShakespeareAsADocumentIsCutWhereThePeerCutsIt() throws IOException {
    Path file = Path.of("../data/shakespeare.txt");
    try (TextDataset dataset =
        TextDataset.open(
            file, TextFormat.DOCUMENT, BadRecordPolicy.STOP, ByteTokens.PLAIN, directory)) {
      assertThat(ByteTokens.text(dataset.tokens())).isEqualTo(Files.readString(file));
      // int(1115394 * 0.9) in train_text.py, its 435 windows of 256 in the rest, and a shorter one
      assertThat(dataset.split(0.1).training().size()).isEqualTo(1_003_854);
      assertThat(new EvaluationBatches(dataset.split(0.1).heldOut(), 8, 256).windows())
          .isEqualTo(436);
    }
  }

  @Test
  void aMissingFileAndADirectoryAreNamed() {
    Path missing = directory.resolve("missing.txt");
    assertThatThrownBy(
            () -> ByteTokens.open(missing, TextFormat.LINES, BadRecordPolicy.STOP, directory))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(missing.toString());
    assertThatThrownBy(
            () -> ByteTokens.open(directory, TextFormat.LINES, BadRecordPolicy.STOP, directory))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("has no file named .jsonl");
  }
}
