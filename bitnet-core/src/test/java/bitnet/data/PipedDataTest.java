package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import bitnet.storage.TextInput;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Data that can be read once only, and data that is not text.
@Timeout(value = 1, unit = TimeUnit.MINUTES)
class PipedDataTest {
  private static final int RECORDS = 64;

  @TempDir private Path directory;

  /// Lines of half a kilobyte, more than a pipe or a buffer holds.
  private static String records() {
    return IntStream.range(0, RECORDS)
        .mapToObj(
            i ->
                "{\"query\":\"%d+0=\",\"answer\":\"%d\",\"pad\":\"%s\"}\n"
                    .formatted(i, i, "x".repeat(500)))
        .collect(Collectors.joining());
  }

  private static String array() {
    return "\n [" + records().strip().replace("\n", ",\n") + "]\n";
  }

  /// A FIFO into which another thread writes the text once.
  private Path fifo(String name, String text) throws Exception {
    Path fifo = directory.resolve(name);
    assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
    Thread.ofVirtual()
        .start(
            () -> {
              try (OutputStream out = Files.newOutputStream(fifo)) {
                out.write(text.getBytes(StandardCharsets.UTF_8));
              } catch (IOException readerGone) {
                // the test fails by what it has read
              }
            });
    return fifo;
  }

  @DisabledOnOs(OS.WINDOWS)
  @ParameterizedTest
  @ValueSource(strings = {"fifo", "data.json", "data.jsonl"})
  void everyRecordOfAFifoIsRead(String name) throws Exception {
    Path fifo = fifo(name, name.equals("data.json") ? array() : records());

    assertThat(QaDataset.load(fifo, BadRecordPolicy.STOP).records()).hasSize(RECORDS);
  }

  @DisabledOnOs(OS.WINDOWS)
  @ParameterizedTest
  @ValueSource(strings = {"fifo", "data.json", "data.jsonl"})
  void everyExampleOfAFifoIsTokenizedInTheFormatOfItsFirstCharacter(String name) throws Exception {
    Path fifo = fifo(name, name.equals("data.jsonl") ? records() : array());
    try (TextDataset data = ByteTokens.open(fifo, null, BadRecordPolicy.STOP, directory)) {
      assertThat(data.report().examples()).isEqualTo(RECORDS);
    }
  }

  @DisabledOnOs(OS.WINDOWS)
  @Test
  void aFifoThatWouldHaveToBeReadTwiceIsRefusedBeforeItIsOpened() throws Exception {
    Path fifo = directory.resolve("model.gguf");
    assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();

    assertThatIOException()
        .isThrownBy(() -> TextInput.requireFile(fifo, "a model"))
        .withMessage(
            fifo
                + " is a pipe or a device; a model is read more than once, so write it to a file"
                + " first");
  }

  @ParameterizedTest
  @CsvSource({
    "data.jsonl.gz, 1f8b080000000000, is compressed with gzip; convert it with gzip -dc",
    "data.jsonl.zst, 28b52ffd, is compressed with Zstandard; convert it with zstd -dc",
    "data.jsonl.xz, fd377a585a000004, is compressed with xz; convert it with xz -dc",
    "data.jsonl.bz2, 425a68393141592653590000, is compressed with bzip2; convert it with bzip2 -dc",
    "data.jsonl.lz4, 04224d18, is compressed with lz4; convert it with lz4 -dc",
    "data.zip, 504b030414000000, is a zip archive; convert it with unzip -p",
    "data.parquet, 5041523115041500, 'is Parquet, not JSONL; convert it with python -c'",
    "data.arrow, 4152524f57310000, 'is an Arrow file, not JSONL; convert it with python -c'",
    "data.txt, fffe000041000000, 'is UTF-32, not UTF-8; convert it with iconv -f UTF-32 -t UTF-8'",
  })
  void whatIsNotTextIsNamedWithTheToolThatConvertsIt(String name, String bytes, String said)
      throws IOException {
    Path file = Files.write(directory.resolve(name), HexFormat.of().parseHex(bytes));

    assertThatIOException()
        .isThrownBy(() -> TextInput.open(file).close())
        .withMessageContaining(name + " " + said);
    if (name.matches(".*\\.(gz|zst|parquet)")) {
      return; // data is decoded, where a library for it is there
    }
    assertThatIOException()
        .isThrownBy(() -> QaDataset.load(file, BadRecordPolicy.SKIP))
        .withMessageContaining(name + " " + said);
    assertThatIOException()
        .isThrownBy(
            () -> ByteTokens.open(file, TextFormat.LINES, BadRecordPolicy.SKIP, directory).close())
        .withMessageContaining(name + " " + said);
  }

  @Test
  void damagedGzipIsNamedByItsFile() throws IOException {
    Path file =
        Files.write(directory.resolve("a.jsonl.gz"), HexFormat.of().parseHex("1f8b080000000000"));
    assertThatIOException()
        .isThrownBy(() -> QaDataset.load(file, BadRecordPolicy.SKIP))
        .withMessageStartingWith(file + ": its gzip content cannot be read (")
        .withMessageEndingWith("); download or write the file again");
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE"})
  void utf16IsNamedWithAndWithoutAByteOrderMark(String encoding) throws IOException {
    Path file =
        Files.write(directory.resolve("data.jsonl"), records().getBytes(Charset.forName(encoding)));

    assertThatIOException()
        .isThrownBy(() -> QaDataset.load(file, BadRecordPolicy.STOP))
        .withMessageContaining(
            "is UTF-16, not UTF-8; convert it with iconv -f %s -t UTF-8".formatted(encoding));
  }

  @Test
  void controlCharactersOfARecordAreEscapedInTheMessage() throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("choices.jsonl"),
            "{\"question\":\"q\",\"choices\":{\"text\":[\"a\",\"b\"],\"label\":[\"A\",\"B\"]},"
                + "\"answerKey\":\"\\u001b[31mX\\nsecond line\"}\n");

    assertThatIOException()
        .isThrownBy(() -> ChoiceDataset.load(file, BadRecordPolicy.STOP))
        .withMessageContaining("\\u001b[31mX\\u000asecond line")
        .satisfies(failure -> assertThat(failure.getMessage()).doesNotContain("\u001b", "\n"));
  }
}
