package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufFields;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Rope scaling in a GGUF file's metadata, as llama.cpp reads it: linear where no type is given.
class GgufRopeScalingTest {
  @TempDir private Path directory;

  private void assertRefused(String type, String key, float value, String reason)
      throws IOException {
    GgufFields fields = new GgufFields().put("general.architecture", "llama");
    if (!type.isEmpty()) {
      fields.put("llama.rope.scaling.type", type);
    }
    fields.put("llama.rope." + key, value);
    Path file = directory.resolve("model.gguf");
    try (GgufWriter writer = GgufWriter.create(file, fields, List.of())) {
      writer.commit();
    }
    try (GgufFile gguf = GgufFile.open(file)) {
      assertThatThrownBy(() -> GgufLayout.read(gguf))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(reason);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'', scaling.factor, 4",
    "linear, scaling.factor, 2",
    "'', scale_linear, 0.5",
    "'', scaling.attn_factor, 2",
    "none, scaling.attn_factor, 2",
  })
  void aFactorIsRefusedByItsName(String type, String key, float value) throws IOException {
    assertRefused(type, key, value, "'llama.rope.%s'".formatted(key));
  }

  @ParameterizedTest
  @CsvSource({"yarn, scaling.factor, 1", "longrope, scaling.factor, 1"})
  void aTypeIsRefusedByItsName(String type, String key, float value) throws IOException {
    assertRefused(type, key, value, "'llama.rope.scaling.type' is \"%s\"".formatted(type));
  }

  /// What comes next is then the first key that a model needs.
  @ParameterizedTest
  @CsvSource({
    "'', scaling.factor, 1",
    "'', scaling.factor, 0",
    "linear, scale_linear, 1",
    "none, scaling.factor, 8",
  })
  void aFactorThatScalesNothingIsAccepted(String type, String key, float value) throws IOException {
    assertRefused(type, key, value, "embedding_length");
  }
}
