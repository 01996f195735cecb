package bitnet.storage;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/// A file that could not be written. The message is one line: the file, the reason, what to do.
public final class WriteFailure extends IOException {
  private static final long serialVersionUID = 1L;

  private WriteFailure(Path file, String reason, IOException cause) {
    super("%s: cannot be written: %s; %s".formatted(file, reason, remedy(reason)), cause);
  }

  /// The failure as a user can act on it.
  ///
  /// @param file that was to be written, as the user named it
  /// @param failure what the operating system said; one that names its file already, and the
  ///     end of a channel that was interrupted, stay as they are
  public static IOException of(Path file, IOException failure) {
    return failure instanceof WriteFailure || failure instanceof ClosedChannelException
        ? failure
        : new WriteFailure(file, reason(failure), failure);
  }

  private static String reason(IOException failure) {
    return switch (failure) {
      case AccessDeniedException denied -> "permission denied";
      case NoSuchFileException missing -> "its directory does not exist";
      case NotDirectoryException file -> "Not a directory";
      case FileAlreadyExistsException file -> "a file is in the place of its directory";
      case FileSystemException other when other.getReason() != null -> other.getReason();
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }

  private static String remedy(String reason) {
    return switch (reason) {
      case "No space left on device",
          "Disk quota exceeded",
          "There is not enough space on the disk" ->
          "free some space, or write to another disk";
      case "File too large" -> "raise the limit on the size of files, or write to another disk";
      case "Read-only file system", "permission denied" ->
          "make it writable, or name another place";
      default -> "name another place";
    };
  }
}
