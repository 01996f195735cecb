package bitnet.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import bitnet.format.CheckpointException;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class HostileSafetensorsTest {
  @TempDir private Path directory;

  private static String tensor(String dtype, String shape, String offsets) {
    return "{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}".formatted(dtype, shape, offsets);
  }

  private static String header(String shape, String offsets) {
    return "{\"w\":" + tensor("F32", shape, offsets) + "}";
  }

  // A table: as long as there are ways to be hostile.
  static Stream<Arguments> hostileHeaders() {
    String four = tensor("U8", "[4]", "[0,4]");
    String deep = "[".repeat(100_000);
    return Stream.of(
        arguments("shape product overflows", header("[4294967296,4294967296]", "[0,8]"), "overfl"),
        arguments("size overflows", header("[4611686018427387904]", "[0,8]"), "overflows"),
        arguments(
            "overflow behind a zero", header("[0,4294967296,4294967296]", "[0,0]"), "overflows"),
        arguments("dimension above 2^63", header("[9223372036854775808]", "[0,8]"), "'w'"),
        arguments("negative dimension", header("[-2]", "[0,8]"), "shape holds -2"),
        arguments("two negative dimensions", header("[-1,-2]", "[0,8]"), "shape holds -1"),
        arguments("negative zero", header("[-0]", "[0,0]"), "at least 0"),
        arguments("fractional dimension", header("[2.0]", "[0,8]"), "shape holds 2.0"),
        arguments("dimension as text", header("[\"2\"]", "[0,8]"), "shape holds 2"),
        arguments("dimension in exponent form", header("[2e0]", "[0,8]"), "shape holds 2e0"),
        arguments(
            "number of a million digits", header("[" + "1".repeat(1_000_000) + "]", "[]"), "w"),
        arguments("nested shape", header("[[2]]", "[0,8]"), "'w'"),
        arguments("shape is null", header("null", "[0,8]"), "shape is not an array"),
        arguments("rank 33", header("[1" + ",1".repeat(32) + "]", "[0,4]"), "more than 32 numbers"),
        arguments("wrong size", header("[3]", "[0,8]"), "takes 12 bytes but data_offsets [0, 8]"),
        arguments("ends before it begins", header("[0]", "[8,0]"), "end before they begin"),
        arguments("negative offset", header("[2]", "[-8,0]"), "data_offsets holds -8"),
        arguments("three offsets", header("[2]", "[0,8,8]"), "more than 2 numbers"),
        arguments("one offset", header("[2]", "[8]"), "must be two numbers"),
        arguments("data beyond the file", header("[4]", "[0,16]"), "the file is truncated"),
        arguments(
            "offset near 2^63", header("[0]", "[9223372036854775807,9223372036854775807]"), "'w'"),
        arguments("hole at the beginning", header("[1]", "[4,8]"), "belong to no tensor"),
        arguments("hole at the end", header("[1]", "[0,4]"), "its tensors cover 4"),
        arguments(
            "hole between",
            "{\"a\":"
                + tensor("U8", "[3]", "[0,3]")
                + ",\"b\":"
                + tensor("U8", "[4]", "[4,8]")
                + "}",
            "tensor 'b'"),
        arguments(
            "overlap",
            "{\"a\":"
                + tensor("U8", "[5]", "[0,5]")
                + ",\"b\":"
                + tensor("U8", "[4]", "[4,8]")
                + "}",
            "tensor 'b': its data begin at byte 4, inside another tensor"),
        arguments(
            "the same bytes twice",
            "{\"a\":"
                + tensor("U8", "[8]", "[0,8]")
                + ",\"b\":"
                + tensor("U8", "[8]", "[0,8]")
                + "}",
            "inside another tensor"),
        arguments(
            "empty tensor inside another",
            "{\"a\":"
                + tensor("U8", "[8]", "[0,8]")
                + ",\"b\":"
                + tensor("U8", "[0]", "[4,4]")
                + "}",
            "tensor 'b'"),
        arguments("no tensors but data", "{}", "8 bytes of data follow"),
        arguments(
            "the same name twice",
            "{\"w\":" + four + ",\"w\":" + tensor("U8", "[4]", "[4,8]") + "}",
            "Duplicate"),
        arguments(
            "the same name twice, escaped",
            "{\"w\":" + four + ",\"\\u0077\":" + tensor("U8", "[4]", "[4,8]") + "}",
            "Duplicate"),
        arguments(
            "the same field twice",
            "{\"w\":{\"dtype\":\"F32\",\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,8]}}",
            "tensor 'w': Duplicate"),
        arguments("unknown dtype", "{\"w\":" + tensor("F8_E4M3", "[8]", "[0,8]") + "}", "F8_E4M3"),
        arguments("dtype in small letters", "{\"w\":" + tensor("f32", "[2]", "[0,8]") + "}", "f32"),
        arguments(
            "dtype is a number",
            "{\"w\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}",
            "dtype is not a string"),
        arguments("no dtype", "{\"w\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "needs dtype"),
        arguments("no shape", "{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "needs dtype"),
        arguments("no offsets", "{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", "needs dtype"),
        arguments(
            "unknown field",
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}",
            "unknown field \"x\""),
        arguments("tensor is a list", "{\"w\":[]}", "is not described by an object"),
        arguments("empty name", "{\"\":" + tensor("F32", "[2]", "[0,8]") + "}", "name is empty"),
        arguments(
            "line break in a name",
            "{\"a\\nb\":" + tensor("F32", "[2]", "[0,8]") + "}",
            "tensor 'a\\u000ab'"),
        arguments(
            "escape sequence in a name",
            "{\"a\\u001b[2Jb\":" + tensor("F32", "[2]", "[0,8]") + "}",
            "tensor 'a\\u001b[2Jb'"),
        arguments(
            "half a surrogate pair in a name",
            "{\"\\ud800\":" + tensor("F32", "[2]", "[0,8]") + "}",
            "surrogate pair"),
        arguments("metadata is a list", "{\"__metadata__\":[]}", "must be an object of strings"),
        arguments(
            "metadata holds a number", "{\"__metadata__\":{\"n\":1}}", "\"n\" is not a string"),
        arguments("metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", "Duplicate"),
        arguments("deep nesting", "{\"w\":" + deep, "not described by an object"),
        arguments("deep nesting in metadata", "{\"__metadata__\":{\"a\":" + deep, "'__metadata__'"),
        arguments("deep nesting in shape", "{\"w\":{\"shape\":" + deep, "tensor 'w'"),
        arguments("a name of a megabyte", "{\"" + "n".repeat(1_000_000) + "\":{}}", "Name length"),
        arguments("not JSON", "{not json}", "Unexpected character"),
        arguments("a comment", "{/* */}", "Unexpected character"),
        arguments("not a number", header("[NaN]", "[0,8]"), "'w'"),
        arguments("unfinished", "{\"w\":{\"dtype\"", "'w'"),
        arguments("trailing comma", "{\"w\":" + four + ",}", "Unexpected character"),
        arguments("text after the end", "{} {}", "continues after its closing"),
        arguments("an array", "[]", "does not begin with '{'"),
        arguments("a leading blank", " {}", "does not begin with '{'"),
        arguments("a byte order mark", "\ufeff{}", "does not begin with '{'"),
        arguments("an empty header", "", "does not begin with '{'"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hostileHeaders")
  void aHostileHeaderIsRefusedInOneLine(String name, String header, String expected)
      throws IOException {
    assertThat(name).isNotEmpty();
    assertRefused(file(header), expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-16LE", "UTF-16BE", "UTF-32LE"})
  void aHeaderInAnotherEncodingIsRefused(String charset) throws IOException {
    byte[] header = header("[2]", "[0,8]").getBytes(Charset.forName(charset));
    assertRefused(file(header, new byte[8]), "");
  }

  @Test
  void invalidUtf8IsRefused() throws IOException {
    byte[] header =
        header("[2]", "[0,8]").replace('w', '\u00e4').getBytes(StandardCharsets.ISO_8859_1);
    assertRefused(file(header, new byte[8]), "header is not UTF-8");
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MIN_VALUE, -1, Long.MAX_VALUE, 100_000_001})
  void aHeaderLengthAboveTheLimitIsRefused(long length) throws IOException {
    assertRefused(file(length, new byte[64]), Long.toUnsignedString(length), "at most 100000000");
  }

  @ParameterizedTest
  @ValueSource(longs = {65, 100_000_000})
  void aHeaderLongerThanTheFileIsRefused(long length) throws IOException {
    assertRefused(file(length, new byte[64]), "only 64 bytes follow", "truncated");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7})
  void aFileShorterThanAHeaderLengthIsRefused(int size) throws IOException {
    Path file = Files.write(directory.resolve("short"), new byte[size]);
    assertRefused(file, "has %d bytes".formatted(size));
  }

  @Test
  void everyTruncationOfAValidFileIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(file(header("[2]", "[0,8]")));
    for (int size = 0; size < whole.length; size++) {
      assertRefused(Files.write(directory.resolve("cut"), Arrays.copyOf(whole, size)), "");
    }
  }

  @Test
  void aDirectoryAndAMissingFileAreRefused() {
    assertRefused(directory, "is not a regular file");
    assertThatThrownBy(() -> SafetensorsFile.open(directory.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aNameThatLooksLikeAPathIsOnlyAName() throws IOException {
    String header = "{\"../../etc/passwd\":" + tensor("F32", "[2]", "[0,8]") + "}";
    try (SafetensorsFile read = SafetensorsFile.open(file(header))) {
      assertThat(read.require("../../etc/passwd").count()).isEqualTo(2);
    }
  }

  @Test
  void emptyTensorsMayShareABoundary() throws IOException {
    String header =
        "{\"a\":"
            + tensor("U8", "[8]", "[0,8]")
            + ",\"b\":"
            + tensor("F32", "[0,3]", "[8,8]")
            + ",\"c\":"
            + tensor("F32", "[0]", "[0,0]")
            + ",\"d\":"
            + tensor("F64", "[0]", "[8,8]")
            + "}  ";
    try (SafetensorsFile read = SafetensorsFile.open(file(header))) {
      assertThat(read.entries()).hasSize(4);
      assertThat(read.readFloats(read.require("b"))).isEmpty();
    }
  }

  @Test
  void aHundredThousandTensorsOpenInBoundedTime() throws IOException {
    Path file = file(manyTensors(100_000), new byte[100_000]);
    assertTimeout(
        Duration.ofSeconds(20),
        () -> {
          try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertThat(read.require("t99999").offset()).isEqualTo(99_999);
          }
        });
  }

  @Test
  void aQuarterOfAMillionTensorsAreTheLimit() throws IOException {
    assertRefused(file(manyTensors(250_001), new byte[250_001]), "more than 250000 tensors");
  }

  private static byte[] manyTensors(int count) {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < count; i++) {
      header.append(i == 0 ? "" : ",").append("\"t").append(i).append("\":");
      header.append(tensor("U8", "[1]", "[" + i + "," + (i + 1) + "]"));
    }
    return header.append('}').toString().getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void twentyThousandMutatedFilesAreReadOrRefusedAndNothingElse() throws IOException {
    Random random = new Random(42);
    byte[][] seeds = {
      Files.readAllBytes(file(header("[2]", "[0,8]"))),
      Files.readAllBytes(
          file(
              "{\"__metadata__\":{\"format\":\"pt\"},\"b\":"
                  + tensor("BF16", "[2,1]", "[4,8]")
                  + ",\"a\":"
                  + tensor("I8", "[4]", "[0,4]")
                  + "}")),
      Files.readAllBytes(file(manyTensors(5), new byte[5]))
    };
    Path file = directory.resolve("mutated");
    int accepted = 0;
    for (int i = 0; i < 20_000; i++) {
      // A new file, because some file systems flush one that is truncated and written again.
      Files.deleteIfExists(file);
      Files.write(file, mutate(seeds[i % seeds.length], random));
      try (SafetensorsFile read = SafetensorsFile.open(file)) {
        readEverything(read);
        accepted++;
      } catch (CheckpointException refused) {
        assertThat(refused).hasMessageStartingWith(file.toString()).hasMessageNotContaining("\n");
      }
    }
    assertThat(accepted).isBetween(100, 19_000);
  }

  private static void readEverything(SafetensorsFile read) throws IOException {
    for (TensorEntry entry : read.entries()) {
      assertThat(read.data(entry).toArray(ValueLayout.JAVA_BYTE)).hasSize((int) entry.bytes());
      if (entry.dtype().isFloat()) {
        assertThat(read.readFloats(entry)).hasSize((int) entry.count());
      }
    }
  }

  /// Changes one to three places, and half the time corrects the header length, so that mutations
  /// reach the parser and not only the first check.
  private static byte[] mutate(byte[] seed, Random random) {
    StringBuilder text = new StringBuilder(new String(seed, StandardCharsets.ISO_8859_1));
    String tokens = "{}[]:,\"\\-0123456789eE.nulltrue \u0000\u007f\u00ff";
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      int at = random.nextInt(text.length());
      char token = tokens.charAt(random.nextInt(tokens.length()));
      switch (random.nextInt(5)) {
        case 0 -> text.setCharAt(at, token);
        case 1 -> text.insert(at, token);
        case 2 -> text.deleteCharAt(at);
        case 3 -> text.setCharAt(at, (char) (text.charAt(at) ^ (1 << random.nextInt(8))));
        default -> {
          int end = Math.min(text.length(), at + random.nextInt(30));
          text.insert(random.nextInt(text.length()), text.substring(at, end));
        }
      }
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.ISO_8859_1);
    if (random.nextBoolean() && bytes.length >= 16) {
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, bytes.length - 16);
    }
    return bytes;
  }

  private Path file(String header) throws IOException {
    return file(header.getBytes(StandardCharsets.UTF_8), new byte[8]);
  }

  private Path file(byte[] header, byte[] data) throws IOException {
    return file(
        (long) header.length,
        ByteBuffer.allocate(header.length + data.length).put(header).put(data).array());
  }

  private Path file(long headerLength, byte[] rest) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(8 + rest.length).order(ByteOrder.LITTLE_ENDIAN);
    return Files.write(
        directory.resolve("model.safetensors"), buffer.putLong(headerLength).put(rest).array());
  }

  private static void assertRefused(Path file, String... parts) {
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n")
        .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(1000));
  }
}
