package bitnet.spark;

import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/// What went wrong on an executor, in one line.
final class Failures {
  private Failures() {}

  static String reason(Throwable failure) {
    String message = String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
    return switch (failure) {
      case NoSuchFileException missing -> message + ": no such file or directory";
      case AccessDeniedException denied -> message + ": permission denied";
      case LinkageError natives -> "native code cannot be loaded (%s)".formatted(message);
      default -> message;
    };
  }
}
