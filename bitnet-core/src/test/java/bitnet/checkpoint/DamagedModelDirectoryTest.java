package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.CheckpointException;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.TensorEntry;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DamagedModelDirectoryTest {
  private static final LlamaConfig CONFIG =
      LlamaConfig.of(256, 32, 36, 2, 2).withKeyValueHeads(1).withContextLength(64);
  private static final TensorSpec DOWN =
      CONFIG.tensors().stream()
          .filter(tensor -> tensor.name().equals("model.layers.1.mlp.down_proj.weight"))
          .findFirst()
          .orElseThrow();

  @TempDir private Path directory;
  private Path model;
  private Path weights;

  @BeforeEach
  void write() throws IOException {
    model = directory.resolve("model");
    weights = model.resolve("model.safetensors");
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.writeBlank(
          model,
          CONFIG,
          new LatentInitializer(3, 0.02),
          tokenizer,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "config.json", "tokenizer.json"})
  void truncatedFileIsRefused(String name) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(model.resolve(name).toFile(), "rw")) {
      file.setLength(file.length() - 1);
    }

    assertRefused(this::open).hasMessageContaining(name).hasMessageContaining("truncated");
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "generation_config.json", "tokenizer_config.json"})
  void missingFileIsRefused(String name) throws IOException {
    Files.delete(model.resolve(name));

    assertRefused(this::open).hasMessageContaining(name).hasMessageContaining("is missing");
  }

  @Test
  void directoryWithoutManifestIsNotComplete() throws IOException {
    Files.delete(model.resolve("manifest.json"));

    assertRefused(this::open).hasMessageContaining("manifest.json").hasMessageContaining("create");
  }

  @Test
  void missingDirectoryIsNoSuchFile() {
    assertThatThrownBy(() -> ModelDirectory.open(directory.resolve("other")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void oneFlippedBitIsFoundByVerify() throws IOException {
    patch(dataOffset(DOWN.name()) + 5, new byte[] {(byte) 0x7F});

    try (ModelDirectory opened = ModelDirectory.open(model)) {
      assertRefused(opened::verify)
          .hasMessageContaining("model.safetensors")
          .hasMessageContaining("SHA-256");
    }
  }

  @ParameterizedTest
  @CsvSource({"243, 'byte 5 is 243'", "255, 'byte 5 is 255'"})
  void byteThatIsNoPackingIsRefusedWhenItIsRead(int value, String reason) throws IOException {
    patch(dataOffset(DOWN.name()) + 5, new byte[] {(byte) value});

    assertTensorRefused(DOWN.name(), reason);
  }

  @Test
  void paddingThatIsNotZeroIsRefusedWhenItIsRead() throws IOException {
    long last = (DOWN.count() + 4) / 5 - 1; // 32 * 36 trits leave two in the last byte
    patch(dataOffset(DOWN.name()) + last, new byte[] {9});

    assertTensorRefused(DOWN.name(), "padding");
  }

  @ParameterizedTest
  @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY})
  void scaleThatIsNotPositiveAndFiniteIsRefused(float scale) throws IOException {
    patch(dataOffset(DOWN.name() + "_scale"), little().putFloat(0, scale).array());

    assertTensorRefused(DOWN.name() + "_scale", "a scale is positive");
  }

  @Test
  void wrongShapeTwinIsRefused() throws IOException {
    patch(dataOffset(DOWN.name() + ".shape"), little().putInt(0, 33).array());

    assertRefused(this::open)
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining(DOWN.name() + ".shape")
        .hasMessageContaining("says [33, 36], but config.json asks for [32, 36]");
  }

  @ParameterizedTest
  @CsvSource({
    "'\"hidden_size\" : 32', '\"hidden_size\" : 64', embed_tokens",
    "'\"hidden_size\" : 32', '\"hidden_size\" : -1', hidden_size",
    "'\"num_hidden_layers\" : 2', '\"num_hidden_layers\" : 3', layers.2",
    "'\"num_hidden_layers\" : 2', '\"num_hidden_layers\" : 1', 'is not a parameter'",
    "'\"num_hidden_layers\" : 2', '\"num_hidden_layers\" : 2147483647', num_hidden_layers",
    "'\"vocab_size\" : 256', '\"vocab_size\" : 1e9', vocab_size",
    "'\"seed\" : 3', '\"seed\" : \"3\"', seed",
    "'\"seed\" : 3', '\"seed\" : 99999999999999999999', seed",
    "'\"initializer_range\" : 0.02', '\"initializer_range\" : -1', initializer_range",
    "'\"format_version\" : 1', '\"format_version\" : 3', format_version"
  })
  void configThatContradictsTheFileOrIsHostileIsRefused(String from, String to, String reason)
      throws IOException {
    Path config = model.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(from);
    Files.writeString(config, text.replace(from, to));
    Files.delete(model.resolve("manifest.json"));
    DirectoryManifest.seal(model);

    assertRefused(this::open).hasMessageContaining(reason).hasMessageContaining(model.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "'\"config.json\"', '\"../config.json\"', plain file name",
    "'\"bytes\" : ', '\"bytes\" : -', 'truncated or was changed'",
    "'\"bytes\" : ', '\"bytes\" : 0.', plain file name",
    "'\"files\"', '\"fils\"', 'no object'",
    "'\"format_version\" : 1', '\"format_version\" : 7', 'this program reads 1'"
  })
  void manifestThatIsHostileIsRefused(String from, String to, String reason) throws IOException {
    Path manifest = model.resolve("manifest.json");
    String text = Files.readString(manifest);
    assertThat(text).contains(from);
    Files.writeString(manifest, text.replace(from, to));

    assertRefused(this::open).hasMessageContaining(reason);
  }

  private void open() throws IOException {
    ModelDirectory.open(model).close();
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> assertRefused(
      ThrowingCallable action) {
    return assertThatThrownBy(action).isInstanceOf(CheckpointException.class);
  }

  private void assertTensorRefused(String name, String reason) throws IOException {
    try (ModelDirectory opened = ModelDirectory.open(model)) {
      assertRefused(() -> opened.ternary(DOWN))
          .hasMessageContaining("model.safetensors")
          .hasMessageContaining("'" + name + "'")
          .hasMessageContaining(reason);
    }
  }

  private static ByteBuffer little() {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
  }

  private long dataOffset(String tensor) throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(weights)) {
      long end = 0;
      for (TensorEntry entry : file.entries()) {
        end = Math.max(end, entry.offset() + entry.bytes());
      }
      return Files.size(weights) - end + file.require(tensor).offset();
    }
  }

  private void patch(long offset, byte[] bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "rw")) {
      file.seek(offset);
      file.write(bytes);
    }
  }
}
