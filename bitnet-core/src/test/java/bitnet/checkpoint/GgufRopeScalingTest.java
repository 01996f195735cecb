package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufFields;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufTensor;
import bitnet.format.gguf.GgufType;
import bitnet.format.gguf.GgufWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
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
    GgufFields fields =
        new GgufFields()
            .put("general.architecture", "llama")
            .put("llama.context_length", 64)
            .put("llama.embedding_length", 64)
            .put("llama.block_count", 1)
            .put("llama.attention.head_count", 2);
    if (!type.isEmpty()) {
      fields.put("llama.rope.scaling.type", type);
    }
    fields.put("llama.rope." + key, value);
    Path file = directory.resolve("model.gguf");
    GgufTensor embedding = GgufTensor.of("token_embd.weight", GgufType.F32, 4, 64);
    try (GgufWriter writer = GgufWriter.create(file, fields, List.of(embedding))) {
      writer.write(embedding.name(), MemorySegment.ofArray(new byte[4 * 64 * Float.BYTES]));
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
    "'', scaling.factor, 0.25",
    "linear, scaling.factor, -2",
    "yarn, scaling.factor, 0.5",
    "yarn, scaling.yarn_ext_factor, 0.5",
    "yarn, scaling.yarn_log_multiplier, 0.1",
    "'', scale_linear, 0.5",
    "'', scaling.attn_factor, 2",
    "none, scaling.attn_factor, 2",
  })
  void aFactorIsRefusedByItsName(String type, String key, float value) throws IOException {
    assertRefused(type, key, value, "'llama.rope.%s'".formatted(key));
  }

  @ParameterizedTest
  @CsvSource({"dynamic, scaling.factor, 1", "longrope, scaling.factor, 1"})
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
    assertRefused(type, key, value, "feed_forward_length");
  }
}
