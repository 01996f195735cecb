package bitnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainTokenizerTest {
  private static final Path SHAKESPEARE = Path.of("../data/shakespeare.txt");

  @TempDir private Path directory;

  private final StringWriter output = new StringWriter();
  private final StringWriter errors = new StringWriter();

  private String out() {
    return output.toString();
  }

  private String err() {
    return errors.toString();
  }

  private int train(Object... options) {
    Stream<String> given = Stream.of(options).map(Object::toString);
    return Main.run(
        new PrintWriter(output),
        new PrintWriter(errors),
        Stream.concat(Stream.of("train-tokenizer"), given).toArray(String[]::new));
  }

  @Test
  void theBundledTokenizerIsMadeByOneCommand() throws IOException {
    Path file = directory.resolve("default-tokenizer.json");
    int code = train("--corpus", SHAKESPEARE, "--vocab_size", 4096, "--output", file);
    assertThat(code).isZero();
    assertThat(file)
        .hasSameBinaryContentAs(
            Path.of("../bitnet-core/src/main/resources/bitnet/tokenizer/default-tokenizer.json"));
    assertThat(out())
        .contains(
            "vocabulary   4096 tokens", "merges       3838", "1115394 bytes", file.toString());
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void aDirectoryGetsAConfigBesideTheTokenizer() throws IOException {
    Path target = directory.resolve("new/tokenizer");
    assertThat(train("--corpus", SHAKESPEARE, "--vocab-size=300", "--output", target)).isZero();
    assertThat(target.resolve("tokenizer_config.json")).content().contains("<|endoftext|>");
    try (Tokenizer tokenizer = Tokenizer.load(target)) {
      assertThat(tokenizer.vocabSize()).isEqualTo(300);
      assertThat(tokenizer.endOfText()).hasValue(0);
    }
  }

  @Test
  void severalCorporaAndAMinimalFrequencyAreTaken() throws IOException {
    Path first = Files.writeString(directory.resolve("1.txt"), "abc abc");
    Path second = Files.writeString(directory.resolve("2.txt"), "abc xyz");
    Path file = directory.resolve("t.json");
    int code =
        train("--corpus", first, second, "--vocab_size=300", "--min_frequency=3", "--output", file);
    assertThat(code).isZero();
    assertThat(out()).contains("vocabulary   260 tokens", "lower --min_frequency");
  }

  @Test
  void aBadCorpusIsOneLineAndLeavesTheOldFile() throws IOException {
    Path file = Files.writeString(directory.resolve("t.json"), "old");
    Path latin = directory.resolve("latin1.txt");
    Files.write(latin, "fine\nna\u00efve".getBytes(StandardCharsets.ISO_8859_1));
    assertThat(train("--corpus", latin, "--vocab_size=300", "--output", file)).isEqualTo(1);
    assertThat(err())
        .isEqualToIgnoringNewLines(
            "bitnet: %s: line 2, byte offset 7: not UTF-8 (bytes EF 76 65); convert the file to UTF-8"
                .formatted(latin));
    Path absent = directory.resolve("absent.txt");
    assertThat(train("--corpus", absent, "--vocab_size=300", "--output", file)).isEqualTo(1);
    assertThat(err()).contains("bitnet: %s: no such file".formatted(absent));
    assertThat(file).hasContent("old");
  }

  @Test
  void aVocabularyThatCannotHoldTheBytesIsAUsageError() {
    int code =
        train("--corpus", SHAKESPEARE, "--vocab_size=100", "--output", directory.resolve("t"));
    assertThat(code).isEqualTo(2);
    assertThat(err()).contains("--vocab_size 100 is too small");
    assertThat(train("--corpus", SHAKESPEARE)).isEqualTo(2);
    assertThat(directory.resolve("t")).doesNotExist();
  }
}
