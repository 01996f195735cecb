package bitnet.server;

import bitnet.checkpoint.ModelDirectory;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/// A small model with random weights and the bundled tokenizer.
final class TinyModel {
  private TinyModel() {}

  static Path write(Path directory, int context) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      ModelDirectory.writeBlank(
          directory,
          LlamaConfig.of(4096, 64, 128, 2, 4).withKeyValueHeads(2).withContextLength(context),
          new LatentInitializer(3, 0.1),
          tokenizer,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
    return directory;
  }
}
