package bitnet.spark;

import bitnet.storage.AtomicFile;
import bitnet.storage.Directories;
import bitnet.storage.WriteFailure;
import bitnet.storage.WriteLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;

/// A directory that appears complete or not at all: filled next to its target as `<name>.part`,
/// then renamed. Closing without [#commit] deletes what was written; a killed process leaves the
/// part directory and `<name>.lock`, which the next one takes over.
final class ShardOutput implements AutoCloseable {
  private final Path target;
  private final Path part;
  private final WriteLock lock;

  private ShardOutput(Path target, Path part, WriteLock lock) {
    this.target = target;
    this.part = part;
    this.lock = lock;
  }

  /// Begins a directory.
  ///
  /// @throws IllegalArgumentException if it exists already
  /// @throws IOException if it cannot be made, or another process is writing it
  static ShardOutput create(Path target) throws IOException {
    Path place = target.toAbsolutePath().normalize();
    if (Files.exists(place)) {
      throw new IllegalArgumentException(
          target + " exists already; name another output, or delete it");
    }
    Path parent = Objects.requireNonNull(place.getParent()); // the root exists
    Directories.make(parent);
    String name = Objects.requireNonNull(place.getFileName()).toString();
    Path part = parent.resolve(name + ".part");
    WriteLock lock =
        WriteLock.acquire(target, parent.resolve(name + ".lock"), "write to another place");
    try {
      if (lock.isTakenOver()) {
        Directories.deleteTree(part); // of a killed process
      }
      if (Files.exists(part)) {
        throw new IllegalArgumentException(
            part + " is needed for unfinished shards, but exists already; move it elsewhere");
      }
      Directories.make(part);
      return new ShardOutput(place, part, lock);
    } catch (IOException | RuntimeException failure) {
      lock.close();
      throw failure;
    }
  }

  /// Where to write.
  Path path() {
    return part;
  }

  /// Puts the directory in its place.
  void commit() throws IOException {
    AtomicFile.forceDirectory(part);
    try {
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failure) {
      throw WriteFailure.of(target, failure);
    }
    AtomicFile.forceDirectory(Objects.requireNonNull(target.getParent()));
  }

  @Override
  public void close() throws IOException {
    try (lock) {
      Directories.deleteTree(part);
    }
  }
}
