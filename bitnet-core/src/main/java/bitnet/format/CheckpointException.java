package bitnet.format;

import bitnet.storage.PrintableText;
import java.io.IOException;
import java.nio.file.Path;

/// A checkpoint file that is damaged, hostile or of an unsupported kind. The message is one line:
/// the file, the tensor where there is one, the reason.
public final class CheckpointException extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_QUOTE = 120;

  public CheckpointException(Path file, String reason) {
    super(file + ": " + reason);
  }

  public CheckpointException(Path file, String reason, Throwable cause) {
    super(file + ": " + reason, cause);
  }

  public static CheckpointException ofTensor(Path file, String tensor, String reason) {
    return new CheckpointException(file, "tensor '%s': %s".formatted(quote(tensor), reason));
  }

  /// Text from a file as it may appear in a message: on one line, short, and without characters
  /// that a terminal would interpret.
  public static String quote(String text) {
    return PrintableText.escape(text, LONGEST_QUOTE);
  }
}
