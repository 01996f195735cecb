package bitnet.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// A file that appears complete or not at all: written next to its target as `<name>.part`, forced
/// to disk, then renamed; by one process at a time. Closing without [#commit] deletes what was
/// written.
public final class AtomicFile implements AutoCloseable {
  private final Path target;
  private final Path part;
  private final FileChannel channel;
  private boolean committed;

  private AtomicFile(Path target, Path part, FileChannel channel) {
    this.target = target;
    this.part = part;
    this.channel = channel;
  }

  /// Begins to write a file; an existing one is unchanged until [#commit].
  ///
  /// @throws IOException if the file cannot be written, or another process is writing it
  public static AtomicFile create(Path target) throws IOException {
    if (Files.isDirectory(target)) {
      throw new IOException(target + ": is a directory; give the name of a file");
    }
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new IOException(
          target + ": is a pipe or a device, which cannot be replaced by a file; name a file");
    }
    Path directory = target.toAbsolutePath().getParent();
    if (directory != null && !Files.exists(directory)) {
      throw new NoSuchFileException(directory.toString());
    }
    Path part = target.resolveSibling(target.getFileName() + ".part");
    try {
      // A part file that a killed run left is replaced; as a new file, never through a link.
      if (Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS)) {
        requireUnused(target, part);
      }
      Files.deleteIfExists(part);
      FileChannel channel =
          FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      if (!isLocked(channel)) {
        channel.close();
        throw inUse(target);
      }
      return new AtomicFile(target, part, channel);
    } catch (FileSystemException failure) {
      throw WriteFailure.of(target, failure);
    }
  }

  private static void requireUnused(Path target, Path part) throws IOException {
    try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
      if (!isLocked(channel)) {
        throw inUse(target);
      }
    } catch (NoSuchFileException finished) {
      // whoever wrote it has just put it in its place
    }
  }

  private static boolean isLocked(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null; // it is held until the channel closes
    } catch (OverlappingFileLockException mine) {
      return false;
    }
  }

  private static IOException inUse(Path target) {
    return new IOException(
        target + ": another process is writing it; wait for it to end, or name another file");
  }

  /// Writes a small file at once; makes its directory if it does not exist.
  public static void write(Path target, byte[] content) throws IOException {
    Directories.make(target.toAbsolutePath().getParent());
    try (AtomicFile file = create(target)) {
      file.write(ByteBuffer.wrap(content), 0);
      file.commit();
    }
  }

  /// Writes all that remains in a buffer.
  ///
  /// @param position where in the file, in bytes
  /// @throws WriteFailure for example if the disk is full
  public void write(ByteBuffer buffer, long position) throws IOException {
    try {
      for (long at = position; buffer.hasRemaining(); ) {
        at += channel.write(buffer, at);
      }
    } catch (IOException failure) {
      throw WriteFailure.of(target, failure);
    }
  }

  /// Forces the content to disk and puts it in the target's place.
  public void commit() throws IOException {
    try {
      channel.force(true);
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      committed = true;
      channel.close(); // not earlier: without its lock the part file would be anybody's
    } catch (IOException failure) {
      throw WriteFailure.of(target, failure);
    }
    Path directory = target.toAbsolutePath().getParent();
    if (directory != null) {
      forceDirectory(directory);
    }
  }

  /// Makes renames in a directory survive a power failure; Windows neither can nor needs to.
  public static void forceDirectory(Path directory) throws IOException {
    if (directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  /// Deletes the part file unless it was committed.
  @Override
  public void close() throws IOException {
    if (!committed) {
      Files.deleteIfExists(part);
    }
    channel.close();
  }
}
