package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.safetensors.TensorStore;
import bitnet.storage.AtomicFile;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The tokenizer assets in a model directory or a Hugging Face directory.
///
/// @param directory where the files are
record DirectoryTokenizerAssets(Path directory) implements TokenizerAssets {
  /// What is carried over, byte for byte.
  static final List<String> NAMES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "tokenizer.model",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja",
          GenerationConfig.NAME);

  private static final long LARGEST = 256 << 20;

  @Override
  public GenerationConfig generation() throws IOException {
    return GenerationConfig.read(directory);
  }

  @Override
  public Tokenizer tokenizer() throws IOException {
    return Tokenizer.load(directory);
  }

  @Override
  public Optional<ChatTemplate> chatTemplate() throws IOException {
    return ChatTemplate.load(directory);
  }

  @Override
  public int tokenizerSize() throws IOException {
    if (!Files.exists(directory.resolve("tokenizer.json"))) {
      return 0;
    }
    try (Tokenizer tokenizer = Tokenizer.load(directory)) {
      return tokenizer.vocabSize();
    }
  }

  @Override
  public void save(Path target) throws IOException {
    for (String name : NAMES) {
      if (Files.exists(directory.resolve(name))) {
        Path file = TensorStore.inside(directory, name);
        if (!Files.isRegularFile(file) || Files.size(file) > LARGEST) {
          throw new CheckpointException(
              file,
              "is not a regular file of at most %d bytes; move it elsewhere".formatted(LARGEST));
        }
        AtomicFile.write(target.resolve(name), Files.readAllBytes(file));
      }
    }
  }
}
