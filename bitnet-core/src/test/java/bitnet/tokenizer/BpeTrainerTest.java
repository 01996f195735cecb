package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {
  private static final Path SHAKESPEARE = Path.of("../data/shakespeare.txt");

  @TempDir private Path directory;

  private Path corpus(String text) throws IOException {
    return Files.writeString(directory.resolve("corpus.txt"), text);
  }

  @Test
  void theBundledTokenizerIsWhatTheTrainerMakesOfShakespeare() throws IOException {
    TrainedVocabulary vocabulary = new BpeTrainer(4096, 2).train(List.of(SHAKESPEARE));
    try (var bundled =
        Objects.requireNonNull(Tokenizer.class.getResourceAsStream("default-tokenizer.json"))) {
      assertThat(vocabulary.tokenizerJson()).isEqualTo(bundled.readAllBytes());
    }
  }

  @Test
  void theTokensCountedInTrainingAreThoseOfTheEncodedLines() throws IOException {
    TrainedVocabulary vocabulary = new BpeTrainer(600, 2).train(List.of(SHAKESPEARE));
    vocabulary.save(directory);
    long[] tokens = {0};
    try (Tokenizer tokenizer = Tokenizer.load(directory)) {
      CorpusLines.read(SHAKESPEARE, line -> tokens[0] += tokenizer.encode(line).length);
    }
    assertThat(vocabulary.corpusTokens()).isEqualTo(tokens[0]);
    assertThat(vocabulary.corpusBytes()).isEqualTo(Files.size(SHAKESPEARE));
  }

  @Test
  void mergesAreThoseOfRecountingEveryPairAfterEveryMerge() throws IOException {
    Random random = new Random(7);
    StringBuilder text = new StringBuilder();
    for (int word = 0; word < 400; word++) {
      random.ints(1 + random.nextInt(9), 'a', 'd').forEach(c -> text.append((char) c));
      text.append(word % 5 == 0 ? "\n" : " ");
    }
    TrainedVocabulary vocabulary = new BpeTrainer(340, 2).train(List.of(corpus(text.toString())));
    assertThat(vocabulary.merges()).isEqualTo(recounted(text.toString(), 340, 2));
    assertThat(vocabulary.tokens()).hasSize(340);
  }

  /// The definition: count all pairs, merge the first of the most frequent, start again.
  private static List<String> recounted(String text, int vocabSize, int minFrequency) {
    List<String> tokens = alphabet();
    List<List<String>> words = new ArrayList<>();
    Pattern.compile("(?=[ \n])|(?<=\n)")
        .splitAsStream(text)
        .forEach(word -> words.add(new ArrayList<>(symbols(word))));
    List<String> merges = new ArrayList<>();
    while (tokens.size() < vocabSize) {
      Map<List<String>, Integer> counts = new HashMap<>();
      for (List<String> word : words) {
        for (int i = 0; i + 1 < word.size(); i++) {
          counts.merge(List.copyOf(word.subList(i, i + 2)), 1, Integer::sum);
        }
      }
      Map.Entry<List<String>, Integer> best =
          Collections.min(
              counts.entrySet(),
              Comparator.<Map.Entry<List<String>, Integer>>comparingInt(e -> -e.getValue())
                  .thenComparingInt(e -> tokens.indexOf(e.getKey().get(0)))
                  .thenComparingInt(e -> tokens.indexOf(e.getKey().get(1))));
      if (best.getValue() < minFrequency) {
        break;
      }
      String merged = String.join("", best.getKey());
      merges.add(String.join(" ", best.getKey()));
      if (!tokens.contains(merged)) {
        tokens.add(merged);
      }
      for (List<String> word : words) {
        for (int i = 0; i + 1 < word.size(); i++) {
          if (word.subList(i, i + 2).equals(best.getKey())) {
            word.set(i, merged);
            word.remove(i + 1);
          }
        }
      }
    }
    return merges;
  }

  private static List<String> symbols(String word) {
    return ByteAlphabet.encode(word).chars().mapToObj(Character::toString).toList();
  }

  /// Special tokens, then the bytes in the order of their symbols.
  private static List<String> alphabet() {
    List<String> tokens = new ArrayList<>(List.of("<|endoftext|>", "<|pad|>"));
    IntStream.range(0, 256)
        .map(ByteAlphabet::symbol)
        .sorted()
        .mapToObj(Character::toString)
        .forEach(tokens::add);
    return tokens;
  }

  @Test
  void ofEquallyFrequentPairsTheOneWithLowerIdsIsMergedFirst() throws IOException {
    TrainedVocabulary vocabulary =
        new BpeTrainer(260, 1).train(List.of(corpus("zy\nzx\nbc\nzy\nzx\nbc\n")));
    assertThat(vocabulary.merges()).containsExactly("b c", "z x");
  }

  @Test
  void aSmallCorpusGivesASmallerVocabulary() throws IOException {
    TrainedVocabulary vocabulary = new BpeTrainer(4096, 2).train(List.of(corpus("aa aa")));
    assertThat(vocabulary.tokens()).hasSize(259);
    assertThat(vocabulary.merges()).containsExactly("a a");
    assertThat(vocabulary.bytesPerToken()).isEqualTo(5 / 3.0);
  }

  @Test
  void wordsAreCutAtAnyUnicodeWhiteSpaceLetterAndNumber() throws IOException {
    WordCounts counts = new WordCounts();
    counts.addLine("It's  naïve\u00a0²3x!?\u3000\n");
    assertThat(counts.counts().keySet())
        .containsExactlyInAnyOrder(
            "It", "'s", " ", " naïve", "\u00a0", "²3", "x", "!?", "\u3000\n");
  }

  @Test
  void severalFilesCountAsOneText() throws IOException {
    Path first = Files.writeString(directory.resolve("1.txt"), "abab abab\n");
    Path second = Files.writeString(directory.resolve("2.txt"), "cdcd cdcd");
    Path both = corpus("abab abab\ncdcd cdcd");
    BpeTrainer trainer = new BpeTrainer(262, 1);
    assertThat(trainer.train(List.of(first, second))).isEqualTo(trainer.train(List.of(both)));
  }

  @Test
  void aLineLongerThanTheBufferIsReadWhole() throws IOException {
    String text = "é日👩‍🚀 ".repeat(200_000);
    Path file = corpus(text + "\nend");
    StringBuilder read = new StringBuilder();
    assertThat(CorpusLines.read(file, read::append)).isEqualTo(Files.size(file));
    assertThat(read.toString()).isEqualTo(text + "\nend");
  }

  @Test
  void bytesThatAreNotUtf8AreNamedWithTheirPlace() throws IOException {
    Path file = directory.resolve("latin1.txt");
    Files.write(file, "fine\nna\u00efve\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatIOException()
        .isThrownBy(() -> new BpeTrainer(300, 2).train(List.of(file)))
        .withMessageContaining(file + ": line 2, byte offset 7: not UTF-8 (bytes EF 76 65 0A)");
  }

  @Test
  void aCharacterCutAtTheEndOfTheFileIsNotUtf8() throws IOException {
    Path file = directory.resolve("cut.txt");
    Files.write(file, new byte[] {'a', (byte) 0xC3});
    assertThatIOException()
        .isThrownBy(() -> new BpeTrainer(300, 2).train(List.of(file)))
        .withMessageContaining("line 1, byte offset 1");
  }

  @Test
  void anAbsentAnEmptyAndNoCorpusAreRefused() throws IOException {
    BpeTrainer trainer = new BpeTrainer(300, 2);
    Path absent = directory.resolve("absent.txt");
    assertThatExceptionOfType(NoSuchFileException.class)
        .isThrownBy(() -> trainer.train(List.of(absent)));
    Path empty = corpus("");
    assertThatIOException()
        .isThrownBy(() -> trainer.train(List.of(empty)))
        .withMessageContaining(empty + ": is empty");
    assertThatIOException()
        .isThrownBy(() -> trainer.train(List.of(directory)))
        .withMessageContaining("is a directory");
    assertThatIllegalArgumentException().isThrownBy(() -> trainer.train(List.of()));
  }

  @Test
  void aVocabularyThatCannotHoldTheBytesIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new BpeTrainer(257, 2))
        .withMessage(
            "vocab_size 257 is too small; 256 bytes and 2 special tokens need at least 258");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new BpeTrainer(300, 0))
        .withMessageContaining("min_frequency 0");
    assertThat(new BpeTrainer(258, 1).vocabSize()).isEqualTo(BpeTrainer.MIN_VOCAB_SIZE);
  }
}
