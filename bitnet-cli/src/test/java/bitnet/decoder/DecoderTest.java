package bitnet.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import bitnet.data.BadRecordPolicy;
import bitnet.data.ChoiceDataset;
import bitnet.data.QaDataset;
import bitnet.data.TextDataset;
import bitnet.data.TextFormat;
import bitnet.data.TokenEncoding;
import bitnet.storage.TextInput;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Parquet files of pyarrow (see make.py beside them), compressed files, and directories of both.
class DecoderTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Path FILES = Path.of("src/test/resources/parquet");
  private static final Path ROWS = FILES.resolve("rows.jsonl");

  @TempDir private Path directory;

  private static List<JsonNode> rows(Path file) throws IOException {
    try (TextInput in = TextInput.openData(file)) {
      String text = new String(in.stream().readAllBytes(), StandardCharsets.UTF_8);
      return text.lines().map(DecoderTest::row).toList();
    }
  }

  private static JsonNode row(String line) {
    try {
      return MAPPER.readTree(line);
    } catch (IOException notJson) {
      throw new UncheckedIOException(notJson);
    }
  }

  static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain",
        "dictionary",
        "snappy",
        "gzip",
        "zstd",
        "zstd-v2",
        "groups",
        "delta",
        "large-string"
      })
  void everyRowOfPyarrowIsRead(String name) throws IOException {
    assertThat(rows(FILES.resolve(name + ".parquet"))).isEqualTo(rows(ROWS));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rows.jsonl.gz", "rows.jsonl.zst", "rows.ndjson.gz", "rows.json.zst"})
  void aCompressedFileIsReadAsItsContent(String name) throws IOException {
    byte[] content = Files.readAllBytes(ROWS);
    byte[] half = new byte[content.length / 2];
    System.arraycopy(content, 0, half, 0, half.length);
    byte[] rest = new byte[content.length - half.length];
    System.arraycopy(content, half.length, rest, 0, rest.length);
    boolean gzip = name.endsWith(".gz");
    ByteArrayOutputStream twoParts = new ByteArrayOutputStream();
    twoParts.write(gzip ? gzip(half) : Zstd.compress(half));
    twoParts.write(gzip ? gzip(rest) : Zstd.compress(rest));
    Path file = Files.write(directory.resolve(name), twoParts.toByteArray());

    assertThat(rows(file)).isEqualTo(rows(ROWS));
    assertThat(TextFormat.detect(file)).isEqualTo(TextFormat.JSONL);
    assertThat(QaDataset.load(file, BadRecordPolicy.STOP).records()).hasSize(24);
  }

  @ParameterizedTest
  @CsvSource({"groups, 1", "groups, 2500", "groups, 100000", "zstd, 1"})
  void rowsThatAreDecodedInSlicesAreTheSame(String name, long sliceBytes) throws IOException {
    assertThat(sliced(name, sliceBytes)).isEqualTo(rows(ROWS));
  }

  private static List<JsonNode> sliced(String name, long sliceBytes) throws IOException {
    try (ParquetLines lines = ParquetLines.open(FILES.resolve(name + ".parquet"), sliceBytes)) {
      String text = new String(lines.readAllBytes(), StandardCharsets.UTF_8);
      return text.lines().map(DecoderTest::row).toList();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 200, 300, 500, 700, 900, 1500, 2500, 1 << 20})
  void rowsOfPlainColumnsAreTheSameInSlicesOfAnySize(long sliceBytes) throws IOException {
    List<String> columns = List.of("query", "answer", "reasoning", "level", "right");
    List<JsonNode> expected =
        rows(ROWS).stream().map(row -> (JsonNode) ((ObjectNode) row).retain(columns)).toList();
    assertThat(sliced("flat", sliceBytes)).isEqualTo(expected);
  }

  @Test
  void questionsOfParquetAreThoseOfJson() throws IOException {
    assertThat(QaDataset.load(FILES.resolve("groups.parquet"), BadRecordPolicy.STOP).records())
        .isEqualTo(QaDataset.load(ROWS, BadRecordPolicy.STOP).records());
  }

  private static int[] tokens(TextDataset data) {
    int[] tokens = new int[Math.toIntExact(data.tokens().size())];
    data.tokens().copy(0, tokens.length, tokens, 0);
    return tokens;
  }

  private TextDataset text(Path file, @Nullable TextFormat format) throws IOException {
    TokenEncoding bytes =
        new TokenEncoding(
            text -> text.chars().map(c -> c & 0xFF).toArray(), OptionalInt.empty(), 256);
    return TextDataset.open(file, format, BadRecordPolicy.STOP, bytes, directory);
  }

  @Test
  void trainingTextOfParquetIsThatOfJson() throws IOException {
    try (TextDataset parquet = text(FILES.resolve("zstd.parquet"), null);
        TextDataset json = text(ROWS, null)) {
      assertThat(parquet.report()).isEqualTo(json.report());
      assertThat(tokens(parquet)).isEqualTo(tokens(json));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> text(FILES.resolve("zstd.parquet"), TextFormat.LINES).close())
        .withMessageContaining("text_format lines does not fit");
  }

  @Test
  void shardsOfADirectoryAreReadInOrder() throws IOException {
    for (int shard = 0; shard < 3; shard++) {
      Path part = directory.resolve("train-%05d-of-00003.parquet".formatted(shard));
      Files.copy(FILES.resolve("snappy.parquet"), part);
    }
    Files.writeString(directory.resolve("README.md"), "not data");
    assertThat(QaDataset.load(directory, BadRecordPolicy.STOP).records()).hasSize(72);
    assertThat(QaDataset.load(directory.resolve("train-*"), BadRecordPolicy.STOP).records())
        .hasSize(72);
    assertThat(
            QaDataset.load(directory.resolve("*-00001-*.parquet"), BadRecordPolicy.STOP).records())
        .hasSize(24);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "train-00000-of-00003.parquet train-00002-of-00003.parquet | lacks shard 00001 of train",
        "train.parquet test.parquet | has files of several splits (test, train); choose",
        "a.jsonl b.parquet | has files of several kinds (jsonl, parquet); choose",
        "README.md | has no file named .jsonl, .json, .txt or .parquet",
      })
  void aDirectoryThatIsNotOneCompleteSetIsRefused(String names, String said) throws IOException {
    for (String name : names.split(" ", -1)) {
      Files.copy(FILES.resolve("snappy.parquet"), directory.resolve(name));
    }
    assertThatIOException()
        .isThrownBy(() -> QaDataset.load(directory, BadRecordPolicy.STOP))
        .withMessageStartingWith(directory + " ")
        .withMessageContaining(said);
  }

  @Test
  void aBadRowIsNamedByItsShardAndNumber() throws IOException {
    Files.copy(FILES.resolve("snappy.parquet"), directory.resolve("train-00000-of-00002.parquet"));
    Files.write(
        directory.resolve("train-00001-of-00002.parquet"),
        Files.readAllBytes(FILES.resolve("snappy.parquet")));
    assertThatIOException()
        .isThrownBy(() -> ChoiceDataset.load(directory, BadRecordPolicy.STOP))
        .withMessageContaining("train-00000-of-00002.parquet:1: the record has no field");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPipeOfParquetIsRefusedAndOneOfGzipRead() throws Exception {
    Path fifo = directory.resolve("fifo");
    assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
    feed(fifo, Files.readAllBytes(FILES.resolve("snappy.parquet")));
    assertThatIOException()
        .isThrownBy(() -> QaDataset.load(fifo, BadRecordPolicy.STOP))
        .withMessageContaining("it is a pipe, and Parquet begins with its end");
    feed(fifo, gzip(Files.readAllBytes(ROWS)));
    assertThat(QaDataset.load(fifo, BadRecordPolicy.STOP).records()).hasSize(24);
  }

  private static void feed(Path fifo, byte[] content) {
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                Files.write(fifo, content);
              } catch (IOException closed) {
                return; // the reader has seen enough
              }
            });
  }
}
