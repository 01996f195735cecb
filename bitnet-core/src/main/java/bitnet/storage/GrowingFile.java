package bitnet.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// A log that grows at its end. What is appended is handed to the operating system at once: a
/// killed process loses none of it.
public final class GrowingFile implements Closeable {
  private final Path file;
  private final FileChannel channel;

  private GrowingFile(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /// Opens a file, which is made with its directory if it is not there.
  ///
  /// @param keptBytes what follows them is cut off
  /// @throws WriteFailure if it cannot be written
  public static GrowingFile open(Path file, long keptBytes) throws IOException {
    Directories.make(file.toAbsolutePath().getParent());
    try {
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
      try {
        channel.truncate(keptBytes);
        channel.position(keptBytes);
        return new GrowingFile(file, channel);
      } catch (IOException failure) {
        channel.close();
        throw failure;
      }
    } catch (IOException failure) {
      throw WriteFailure.of(file, failure);
    }
  }

  /// Appends bytes.
  ///
  /// @throws WriteFailure if they cannot be written; some of them may have been
  public void append(byte[] bytes) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    try {
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
    } catch (IOException failure) {
      throw WriteFailure.of(file, failure);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
