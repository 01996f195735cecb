package bitnet.eval;

import bitnet.checkpoint.ModelDirectory;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/// Models that know nothing: their tokens are bytes, drawn by their random weights.
final class TinyModel {
  static final RuntimeSettings RUNTIME = RuntimeSettings.exact().withThreads(1);

  private TinyModel() {}

  /// Makes a model directory.
  static Path make(Path directory, int context, long seed) throws IOException {
    LlamaConfig config =
        LlamaConfig.of(256, 64, 128, 2, 4).withKeyValueHeads(2).withContextLength(context);
    try (Tokenizer bytes = Tokenizer.byteLevel()) {
      ModelDirectory.writeBlank(
          directory,
          config,
          new LatentInitializer(seed, 0.05),
          bytes,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
    return directory;
  }
}
