package bitnet.hub;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// One model in the cache of `huggingface_hub`: `blobs/HASH`, `refs/REVISION` and
/// `snapshots/COMMIT/FILE`, a link to the blob, or a copy where links are not supported.
final class HubCache {
  private static final String TAG = "Signature: 8a477f597d28d172789f06886806bc55\n";
  private static final Duration LOCK_POLL = Duration.ofMillis(50);

  private final Path root;
  private final Path model;
  private final HubName name;

  HubCache(Path root, HubName name) {
    this.root = root;
    this.name = name;
    this.model = root.resolve(name.directory());
  }

  Path snapshot(String commit) {
    return model.resolve("snapshots").resolve(commit);
  }

  Path blob(String hash) {
    return model.resolve("blobs").resolve(hash);
  }

  /// The commit that the revision was at the last download.
  Optional<String> commit() throws IOException {
    if (name.isCommit()) {
      return Optional.of(name.revision());
    }
    Path ref = model.resolve("refs").resolve(name.revision());
    return Files.isRegularFile(ref)
        ? Optional.of(Files.readString(ref, StandardCharsets.UTF_8).strip())
        : Optional.empty();
  }

  void setCommit(String commit) throws IOException {
    if (name.isCommit()) {
      return;
    }
    Path ref = model.resolve("refs").resolve(name.revision());
    Files.createDirectories(ref.getParent());
    Path next = Files.createTempFile(ref.getParent(), ".ref", ".tmp");
    Files.writeString(next, commit, StandardCharsets.UTF_8);
    Files.move(next, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  void prepare() throws IOException {
    Files.createDirectories(model.resolve("blobs"));
    Path tag = root.resolve("CACHEDIR.TAG");
    if (!Files.exists(tag)) {
      Files.writeString(tag, TAG, StandardCharsets.UTF_8);
    }
  }

  /// The files of a snapshot, by their names in the repository.
  List<String> files(String commit) throws IOException {
    Path snapshot = snapshot(commit);
    if (!Files.isDirectory(snapshot)) {
      return List.of();
    }
    try (Stream<Path> tree = Files.walk(snapshot)) {
      return tree.filter(Files::isRegularFile)
          .map(file -> snapshot.relativize(file).toString().replace('\\', '/'))
          .toList();
    }
  }

  /// Makes a blob a file of a snapshot.
  void link(String commit, String file, Path blob) throws IOException {
    Path link = snapshot(commit).resolve(file);
    if (Files.exists(link)) {
      return;
    }
    Path directory = Objects.requireNonNull(link.getParent());
    Files.createDirectories(directory);
    Files.deleteIfExists(link);
    try {
      Files.createSymbolicLink(link, directory.relativize(blob));
    } catch (IOException | UnsupportedOperationException noLinks) {
      Files.copy(blob, link, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /// Waits until no other process downloads the blob. The system frees the lock of a process that
  /// dies.
  Lock lock(String hash) throws IOException {
    Path directory = root.resolve(".locks").resolve(name.directory());
    Files.createDirectories(directory);
    RandomAccessFile file = new RandomAccessFile(directory.resolve(hash + ".lock").toFile(), "rw");
    try {
      FileLock lock = tryLock(file);
      while (lock == null) {
        HubHttp.sleep(LOCK_POLL);
        lock = tryLock(file);
      }
      return new Lock(file);
    } catch (IOException | RuntimeException failure) {
      file.close();
      throw failure;
    }
  }

  private static @Nullable FileLock tryLock(RandomAccessFile file) throws IOException {
    try {
      return file.getChannel().tryLock();
    } catch (OverlappingFileLockException ofThisProcess) {
      return null;
    }
  }

  /// Held until it is closed.
  record Lock(RandomAccessFile file) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
