package bitnet.hub;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// One repository in the cache of `huggingface_hub`: `blobs/HASH`, `refs/REVISION` and
/// `snapshots/COMMIT/FILE`, a link to the blob, or the blob itself where there are no links; and
/// `listings/COMMIT.json`, the names of all files of a commit, which tell an interrupted download.
final class HubCache {
  private static final String TAG = "Signature: 8a477f597d28d172789f06886806bc55\n";
  private static final String LISTINGS = "listings";
  private static final Duration LOCK_POLL = Duration.ofMillis(50);

  private final Path root;
  private final Path directory;
  private final HubName name;
  private final boolean hasLinks;

  /// A blob.
  ///
  /// @param isNew whether no snapshot can have a link to it yet
  record Blob(Path path, boolean isNew) {}

  HubCache(Path root, HubName name, boolean hasLinks) {
    this.root = root;
    this.name = name;
    this.directory = root.resolve(name.directory());
    this.hasLinks = hasLinks;
  }

  Path snapshot(String commit) {
    return directory.resolve("snapshots").resolve(commit);
  }

  Path blob(String hash) {
    return directory.resolve("blobs").resolve(hash);
  }

  /// The commit that the revision was at the last download.
  Optional<String> commit() throws IOException {
    if (name.isCommit()) {
      return Optional.of(name.revision());
    }
    Path ref = directory.resolve("refs").resolve(name.revision());
    return Files.isRegularFile(ref)
        ? Optional.of(Files.readString(ref, StandardCharsets.UTF_8).strip())
        : Optional.empty();
  }

  void setCommit(String commit) throws IOException {
    if (name.isCommit()) {
      return;
    }
    Path ref = directory.resolve("refs").resolve(name.revision());
    replace(ref, commit.getBytes(StandardCharsets.UTF_8));
  }

  private static void replace(Path file, byte[] content) throws IOException {
    Files.createDirectories(file.getParent());
    Path next = Files.createTempFile(file.getParent(), ".next", ".tmp");
    Files.write(next, content);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /// Makes the directories for a download, and keeps the names of the commit's files.
  void prepare(RepositoryListing listing) throws IOException {
    Files.createDirectories(directory.resolve("blobs"));
    Path kept = directory.resolve(LISTINGS).resolve(listing.commit() + ".json");
    if (!Files.exists(kept)) {
      replace(kept, listing.json());
    }
    Path tag = root.resolve("CACHEDIR.TAG");
    if (!Files.exists(tag)) {
      Files.writeString(tag, TAG, StandardCharsets.UTF_8);
    }
  }

  /// The names of all files of a commit, where a download of this program or of
  /// `huggingface_hub` kept them.
  Optional<RepositoryListing> listing(String commit) throws IOException {
    for (String place : List.of(LISTINGS, "trees")) {
      Path file = directory.resolve(place).resolve(commit + ".json");
      if (Files.isRegularFile(file)) {
        return RepositoryListing.parse(commit, Files.readAllBytes(file));
      }
    }
    return Optional.empty();
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
  void link(String commit, String file, Blob blob) throws IOException {
    Path link = snapshot(commit).resolve(file);
    if (Files.exists(link)) {
      return;
    }
    Path parent = Objects.requireNonNull(link.getParent());
    Files.createDirectories(parent);
    Files.deleteIfExists(link);
    if (hasLinks && isLinked(link, parent.relativize(blob.path()))) {
      return;
    }
    Path content = blob.path();
    if (!blob.isNew()) { // another snapshot may have a link to it
      content = blob(blob.path().getFileName() + ".copy");
      Files.copy(blob.path(), content, StandardCopyOption.REPLACE_EXISTING);
    }
    Files.move(content, link);
  }

  private static boolean isLinked(Path link, Path target) throws IOException {
    try {
      Files.createSymbolicLink(link, target);
      return true;
    } catch (FileAlreadyExistsException ofAnotherProcess) {
      return true;
    } catch (IOException | UnsupportedOperationException noLinks) {
      return false;
    }
  }

  /// Waits until no other process downloads the blob. The system frees the lock of a process that
  /// dies.
  Lock lock(String hash) throws IOException {
    Path locks = root.resolve(".locks").resolve(name.directory());
    Files.createDirectories(locks);
    RandomAccessFile file = new RandomAccessFile(locks.resolve(hash + ".lock").toFile(), "rw");
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
