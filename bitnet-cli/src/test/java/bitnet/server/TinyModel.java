package bitnet.server;

import bitnet.checkpoint.ModelDirectory;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A small model with random weights and the bundled tokenizer.
final class TinyModel {
  private TinyModel() {}

  static Path write(Path directory, int context) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      return write(directory, context, tokenizer);
    }
  }

  /// The model with a chat template.
  static Path write(Path directory, int context, String template) throws IOException {
    Path files = directory.resolveSibling(directory.getFileName() + "-tokenizer");
    try (Tokenizer bundled = Tokenizer.bundled()) {
      bundled.save(Files.createDirectories(files));
    }
    Files.writeString(files.resolve(ChatTemplate.FILE), template);
    try (Tokenizer tokenizer = Tokenizer.load(files)) {
      return write(directory, context, tokenizer);
    }
  }

  private static Path write(Path directory, int context, Tokenizer tokenizer) throws IOException {
    ModelDirectory.writeBlank(
        directory,
        LlamaConfig.of(4096, 64, 128, 2, 4).withKeyValueHeads(2).withContextLength(context),
        new LatentInitializer(3, 0.1),
        tokenizer,
        ModelDirectory.Existing.REFUSE,
        parameters -> {});
    return directory;
  }
}
