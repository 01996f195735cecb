package bitnet.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// The right to write something, for one process at a time: a lock on a file, which holds the
/// owner's process id and is deleted at the end. The operating system ends the lock with its
/// process, so the file that a killed process leaves is no obstacle.
public final class WriteLock implements AutoCloseable {
  // Far behind the process id, which others have to read: Windows refuses to read what is locked.
  private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

  private final Path file;
  private final FileChannel channel;
  private final boolean takenOver;

  private WriteLock(Path file, FileChannel channel, boolean takenOver) {
    this.file = file;
    this.channel = channel;
    this.takenOver = takenOver;
  }

  /// Takes the lock.
  ///
  /// @param target what is to be written, for the message
  /// @param file the lock file; its directory is made if it is not there
  /// @param instead what to do other than to wait: `use another --output_dir`
  /// @throws IOException if another process has the lock, naming it, or the file cannot be
  ///     written
  public static WriteLock acquire(Path target, Path file, String instead) throws IOException {
    Directories.make(file.toAbsolutePath().getParent());
    while (true) {
      WriteLock lock = open(target, file);
      if (!lock.isLocked()) {
        lock.channel.close();
        throw inUse(target, file, instead);
      }
      if (Files.exists(file)) {
        lock.sign(target);
        return lock;
      }
      lock.channel.close(); // its owner deleted it between our opening and locking it
    }
  }

  private static WriteLock open(Path target, Path file) throws IOException {
    boolean there = Files.exists(file);
    try {
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      return new WriteLock(file, channel, there);
    } catch (IOException failure) {
      throw WriteFailure.of(target, failure);
    }
  }

  private boolean isLocked() throws IOException {
    try {
      return channel.tryLock(LOCKED_BYTE, 1, false) != null; // it is held until the channel closes
    } catch (OverlappingFileLockException mine) {
      return false;
    }
  }

  private static IOException inUse(Path target, Path file, String instead) throws IOException {
    String owner = Files.exists(file) ? Files.readString(file).strip() : "";
    return new IOException(
        "%s: %s is writing it (%s is locked); wait for it to end, or %s"
            .formatted(
                target, owner.isEmpty() ? "another process" : "process " + owner, file, instead));
  }

  private void sign(Path target) throws IOException {
    String owner = ProcessHandle.current().pid() + "\n";
    try {
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(owner.getBytes(StandardCharsets.US_ASCII)));
    } catch (IOException failure) {
      close();
      throw WriteFailure.of(target, failure);
    }
  }

  /// Whether the lock file was there already, left by a process that was killed: only then can
  /// there be unfinished work of it.
  public boolean isTakenOver() {
    return takenOver;
  }

  /// Gives the lock back.
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(file); // while it is locked: later it might be another's
    channel.close();
  }
}
