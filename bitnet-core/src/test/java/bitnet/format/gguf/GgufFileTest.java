package bitnet.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.format.CheckpointException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Against a file that ggml's own Python package wrote (`make_types.py`).
class GgufFileTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures/gguf");

  @TempDir private Path directory;

  @Test
  void everyTensorTypeIsReadAsTheReferenceReadsIt() throws IOException {
    JsonNode expected = new ObjectMapper().readTree(FIXTURES.resolve("types.json").toFile());
    try (GgufFile file = GgufFile.open(FIXTURES.resolve("types.gguf"))) {
      assertThat(file.version()).isEqualTo(3);
      assertThat(file.tensors())
          .extracting(GgufTensor::name)
          .containsExactly("F32", "F16", "BF16", "Q8_0", "TQ1_0", "TQ2_0", "Q6_K");
      for (Map.Entry<String, JsonNode> entry : expected.properties()) {
        GgufTensor tensor = file.require(entry.getKey());
        assertThat(tensor.type().name()).isEqualTo(entry.getKey());
        assertThat(tensor.hasShape(2, 256)).isTrue();
        for (int row = 0; row < 2; row++) {
          float[] values = new float[256];
          file.readFloats(tensor, row, 1, MemorySegment.ofArray(values));
          for (int i = 0; i < values.length; i++) {
            assertThat(values[i])
                .as("%s [%d, %d]", tensor.name(), row, i)
                .isEqualTo(entry.getValue().get(256 * row + i).floatValue());
          }
        }
      }
    }
  }

  @Test
  void everyKindOfMetadataIsReadAsItWasWritten() throws IOException {
    try (GgufFile file = GgufFile.open(FIXTURES.resolve("types.gguf"))) {
      GgufMetadata metadata = file.metadata();
      assertThat(metadata.text("general.architecture")).isEqualTo("test");
      assertThat(metadata.integer("general.alignment", 1, 999)).isEqualTo(64);
      assertThat(metadata.integer("test.uint8", 0, 999)).isEqualTo(200);
      assertThat(metadata.integer("test.int8", -999, 999)).isEqualTo(-100);
      assertThat(metadata.integer("test.uint16", 0, 99_999)).isEqualTo(60_000);
      assertThat(metadata.integer("test.int16", -99_999, 0)).isEqualTo(-30_000);
      assertThat(metadata.integer("test.int32", Integer.MIN_VALUE, 0)).isEqualTo(-2_000_000_000);
      assertThat(metadata.number("test.float32", 0)).isEqualTo(1e-5);
      assertThat(metadata.number("test.float64", 0)).isCloseTo(1e-300, within(1e-310));
      assertThat(metadata.flag("test.bool", false)).isTrue();
      assertThat(metadata.text("test.string")).isEqualTo("grüße");
      assertThat(metadata.texts("test.texts")).containsExactly("a", "", "ß\n");
      assertThat(metadata.integers("test.integers")).containsExactly(1, -2, 3);
      assertThat(metadata.floats("test.floats")).containsExactly(0.5f, -1.5f);
      assertThat(metadata.count("test.nested")).isEqualTo(2);
      assertThat(metadata.flag("absent", true)).isTrue();
      assertThat(metadata.text("absent", "fallback")).isEqualTo("fallback");
    }
  }

  @Test
  void metadataOfAnotherTypeOrRangeIsRefusedWithWhatItIs() throws IOException {
    try (GgufFile file = GgufFile.open(FIXTURES.resolve("types.gguf"))) {
      GgufMetadata metadata = file.metadata();
      assertFault(() -> metadata.integer("test.uint32", 0, 9), "'test.uint32' is 4000000000; it");
      assertFault(() -> metadata.integer("test.uint64", 0, 9), "'test.uint64' is 1099511627776;");
      assertFault(() -> metadata.integer("test.int64", 0, 9), "is -1099511627776; it must be a");
      assertFault(() -> metadata.integer("test.bool", 0, 9), "'test.bool' is BOOL; it must be a");
      assertFault(() -> metadata.integer("test.none", 0, 9), "'test.none' is missing; it must be");
      assertFault(() -> metadata.text("test.int8"), "'test.int8' is INT8; it must be a string");
      assertFault(() -> metadata.number("test.texts", 0), "is ARRAY; it must be a finite number");
      assertFault(() -> metadata.texts("test.floats"), "has 2 FLOAT32; it must be an array of STR");
      assertFault(() -> metadata.integers("test.nested"), "has 2 ARRAY; it must be an array of IN");
    }
  }

  private static void assertFault(ThrowingCall call, String message) {
    assertThatThrownBy(call::run)
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(FIXTURES.resolve("types.gguf") + ": metadata '")
        .hasMessageContaining(message);
  }

  private interface ThrowingCall {
    void run() throws IOException;
  }

  @Test
  void aFileIsToldByItsContent() throws IOException {
    Path renamed = directory.resolve("model.bin");
    Files.copy(FIXTURES.resolve("types.gguf"), renamed);
    assertThat(GgufFile.isGguf(renamed)).isTrue();
    assertThat(GgufFile.isGguf(Files.writeString(directory.resolve("a.gguf"), "GGU"))).isFalse();
    assertThat(GgufFile.isGguf(Files.writeString(directory.resolve("b.gguf"), "{}{}"))).isFalse();
    assertThat(GgufFile.isGguf(directory)).isFalse();
    assertThatThrownBy(() -> GgufFile.open(directory.resolve("absent.gguf")))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> GgufFile.open(directory))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("is not a regular file");
  }

  @Test
  void rowsOutsideATensorAndOfForeignTensorsAreRefused() throws IOException {
    try (GgufFile file = GgufFile.open(FIXTURES.resolve("types.gguf"))) {
      GgufTensor tensor = file.require("Q8_0");
      MemorySegment row = MemorySegment.ofArray(new float[256]);
      assertThatThrownBy(() -> file.readFloats(tensor, 2, 1, row))
          .hasMessageContaining("rows 2 + 1 are outside tensor 'Q8_0' of 2 rows");
      assertThatThrownBy(() -> file.readFloats(tensor, 0, 2, row))
          .hasMessageContaining("target has 1024 bytes but 512 values of tensor 'Q8_0' take 2048");
      assertThatThrownBy(() -> file.data(GgufTensor.of("Q8_0", GgufType.F32, 2, 256)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is not a tensor of");
      assertThatThrownBy(() -> file.require("absent"))
          .hasMessageContaining("tensor 'absent': is missing; the file holds 7 other tensors");
    }
  }
}
