package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.CheckpointException;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelSourceTest {
  private static final Path HUGGING_FACE =
      Path.of("src/test/resources/fixtures/online-autobitlinear");
  private static final LlamaConfig TINY =
      LlamaConfig.of(4096, 8, 16, 1, 2).withKeyValueHeads(1).withContextLength(32);

  @TempDir private Path directory;

  private static void writeModel(Path target) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      ModelDirectory.writeBlank(
          target,
          TINY,
          new LatentInitializer(1, 0.02),
          tokenizer,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
  }

  @Test
  void aModelDirectoryIsOpenedWithItsTokenizerAndEndToken() throws IOException {
    Path path = directory.resolve("tiny");
    writeModel(path);
    try (ModelSource source = ModelSource.open(path);
        Tokenizer tokenizer = source.tokenizer()) {
      assertThat(source.path()).isEqualTo(path);
      assertThat(source.weights()).isInstanceOf(ModelDirectory.class);
      assertThat(source.weights().config()).isEqualTo(TINY);
      assertThat(source.endTokens()).containsExactly(tokenizer.endOfText().orElseThrow());
    }
  }

  @Test
  void aTrainingRunStandsForTheModelInIt() throws IOException {
    Files.createDirectories(directory.resolve("checkpoints"));
    writeModel(directory.resolve("model"));
    try (ModelSource source = ModelSource.open(directory)) {
      assertThat(source.path()).isEqualTo(directory.resolve("model"));
      assertThat(source.weights().config()).isEqualTo(TINY);
    }
  }

  @Test
  void aHuggingFaceDirectoryIsOpenedWithEveryEndToken() throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(HUGGING_FACE.resolve(name), directory.resolve(name));
    }
    Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": [2, 7]}");
    try (ModelSource source = ModelSource.open(directory)) {
      assertThat(source.weights()).isInstanceOf(HuggingFaceDirectory.class);
      assertThat(source.endTokens()).containsExactly(2, 7);
      assertThatThrownBy(source::tokenizer)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("tokenizer.json");
    }
  }

  @Test
  void aPathWithoutAModelIsRefusedWithWhatWasFoundAndWhatIsSupported() throws IOException {
    assertThatThrownBy(() -> ModelSource.open(directory.resolve("absent")))
        .isInstanceOf(NoSuchFileException.class);
    assertRefused(directory, "is empty");
    Path file = Files.writeString(directory.resolve("model.gguf"), "PK");
    assertRefused(file, "is a file, but no GGUF file");
    assertRefused(directory, "holds no model but model.gguf");
    for (int i = 0; i < 5; i++) {
      Files.createFile(directory.resolve("a" + i));
    }
    assertRefused(directory, "holds no model but a0, a1, a2, a3, ...");
  }

  @Test
  void aCheckpointOfATrainingRunIsNoModel() throws IOException {
    Files.writeString(directory.resolve("manifest.json"), "{}");
    Files.writeString(directory.resolve("state.json"), "{}");
    assertRefused(directory, "holds no model but manifest.json, state.json");
  }

  private static void assertRefused(Path path, String found) {
    assertThatThrownBy(() -> ModelSource.open(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(path + ": " + found)
        .hasMessageContaining("; supported are a model directory")
        .hasMessageContaining("a Hugging Face directory");
  }
}
