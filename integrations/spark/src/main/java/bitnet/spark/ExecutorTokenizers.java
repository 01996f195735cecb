package bitnet.spark;

import bitnet.data.TokenEncoding;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The tokenizer that an executor's JVM has loaded, for all of its tasks.
///
/// Static, as nothing else lives as long as an executor.
final class ExecutorTokenizers {
  private static @Nullable Held current;

  private ExecutorTokenizers() {}

  private record Held(String directory, Tokenizer tokenizer) {}

  /// The tokenizer that the driver has written into a directory.
  ///
  /// @throws UncheckedIOException if it is not here
  static synchronized TokenEncoding encoding(String directory) {
    Held held = current;
    if (held == null || !held.directory().equals(directory)) {
      clear();
      try {
        held = new Held(directory, Tokenizer.load(Path.of(directory)));
      } catch (IOException unseen) {
        throw new UncheckedIOException(ScanTask.refusal(unseen));
      }
      current = held;
    }
    Tokenizer tokenizer = held.tokenizer();
    return TokenEncoding.of(tokenizer, Optional.empty(), tokenizer.vocabSize());
  }

  /// Closes the tokenizer of this JVM, which no task uses any more.
  static synchronized void clear() {
    if (current != null) {
      current.tokenizer().close();
      current = null;
    }
  }
}
