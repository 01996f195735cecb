package bitnet.format;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

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
    StringBuilder quoted = new StringBuilder();
    for (int i = 0; i < Math.min(text.length(), LONGEST_QUOTE); i++) {
      char c = text.charAt(i);
      if (isPrintable(c)) {
        quoted.append(c);
      } else {
        quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      }
    }
    return text.length() > LONGEST_QUOTE ? quoted.append("...").toString() : quoted.toString();
  }

  private static boolean isPrintable(char c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
