package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.storage.AtomicFile;
import bitnet.storage.Directories;
import bitnet.storage.WriteFailure;
import bitnet.storage.WriteLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// A directory of plain files that appears complete or not at all: filled next to its target as
/// `<name>.part`, sealed with a manifest where its readers ask for one, then renamed.
/// Closing without [#commit] deletes what was written; a killed process leaves the part directory
/// and `<name>.lock`, which the next one takes over. One process at a time writes to a target.
final class AtomicDirectory implements AutoCloseable {
  private final Path parent;
  private final Path target;
  private final Path part;
  private final WriteLock lock;

  private AtomicDirectory(Path parent, Path target, Path part, WriteLock lock) {
    this.parent = parent;
    this.target = target;
    this.part = part;
    this.lock = lock;
  }

  /// Begins a directory; an existing one is unchanged until [#commit].
  ///
  /// @param neededBytes the space that the files will take
  /// @throws IllegalArgumentException if the target exists and may not be replaced
  /// @throws CheckpointException if the disk has not enough space
  /// @throws IOException if another process is writing to the target
  static AtomicDirectory create(Path target, ModelDirectory.Existing existing, long neededBytes)
      throws IOException {
    Path place = target.toAbsolutePath().normalize();
    requireReplaceable(target, existing);
    Path parent = place.getParent();
    Path name = place.getFileName();
    if (parent == null || name == null) {
      throw new IllegalArgumentException(
          "%s cannot be a model directory; name a directory below it".formatted(target));
    }
    requireElsewhere(place);
    Path part = parent.resolve(name + ".part");
    WriteLock lock =
        WriteLock.acquire(target, parent.resolve(name + ".lock"), "write to another place");
    try {
      Directories.recover(part, place);
      if (lock.isTakenOver()) {
        delete(part); // of a killed process
      }
      requireRoom(target, parent, neededBytes);
      create(part);
      return new AtomicDirectory(parent, place, part, lock);
    } catch (IOException | RuntimeException failure) {
      lock.close();
      throw failure;
    }
  }

  /// A process whose working directory is exchanged stays in the old one, which is deleted: a shell
  /// would see an empty directory.
  private static void requireElsewhere(Path place) throws IOException {
    if (Files.exists(place) && Path.of("").toRealPath().startsWith(place.toRealPath())) {
      throw new IllegalArgumentException(
          "%s holds the directory in which this command runs, and would be replaced as a whole; name"
                  .formatted(place)
              + " a new directory, for example one inside it");
    }
  }

  private static void create(Path part) throws IOException {
    if (Files.exists(part)) {
      throw new IllegalArgumentException(
          "%s is needed for the unfinished model, but already exists; move it elsewhere"
              .formatted(part));
    }
    try {
      Files.createDirectory(part);
    } catch (IOException failure) {
      throw WriteFailure.of(part, failure);
    }
  }

  private static void requireRoom(Path target, Path parent, long neededBytes) throws IOException {
    long free = Files.getFileStore(parent).getUsableSpace();
    if (free < neededBytes) {
      throw new CheckpointException(
          target,
          "needs %d MB but its disk has %d MB left; free some or use another disk"
              .formatted(neededBytes / 1_000_000 + 1, free / 1_000_000));
    }
  }

  private static void requireReplaceable(Path target, ModelDirectory.Existing existing)
      throws IOException {
    if (!Files.exists(target) || (Files.isDirectory(target) && list(target).isEmpty())) {
      return;
    }
    boolean sealed = Files.exists(target.resolve(DirectoryManifest.NAME));
    if (!sealed && !isHuggingFaceModel(target)) {
      throw new IllegalArgumentException(
          "%s already exists and is not a model directory; use another output_dir"
              .formatted(target));
    }
    if (existing == ModelDirectory.Existing.REFUSE) {
      throw new IllegalArgumentException(
          "%s already holds a model; use another directory, or `force` to replace it"
              .formatted(target));
    }
    Set<String> known = sealed ? DirectoryManifest.open(target).files().keySet() : Set.of();
    for (Path file : list(target)) {
      String name = file.getFileName().toString();
      if (sealed && !known.contains(name) && !name.equals(DirectoryManifest.NAME)) {
        throw new IllegalArgumentException(
            "%s is not part of the model to be replaced; move it elsewhere".formatted(file));
      }
    }
  }

  /// Whether a directory holds what [HuggingFaceWriter] writes and nothing else.
  private static boolean isHuggingFaceModel(Path directory) throws IOException {
    return Files.exists(directory.resolve(ConfigJson.NAME))
        && list(directory).stream()
            .allMatch(file -> isHuggingFaceFile(file.getFileName().toString()));
  }

  private static boolean isHuggingFaceFile(String name) {
    return name.equals(ConfigJson.NAME)
        || DirectoryTokenizerAssets.NAMES.contains(name)
        || name.matches("model[0-9of-]*\\.safetensors(\\.index\\.json)?");
  }

  /// Where to write the files.
  Path path() {
    return part;
  }

  /// Seals the directory and puts it in the target's place.
  ///
  /// @throws IllegalArgumentException if the target has appeared meanwhile and may not be
  ///     replaced
  void commit(ModelDirectory.Existing existing) throws IOException {
    DirectoryManifest.seal(part);
    commitUnsealed(existing);
  }

  /// Puts the directory in the target's place without a manifest, which would mark it as a form
  /// of this toolkit.
  ///
  /// @throws IllegalArgumentException if the target has appeared meanwhile and may not be
  ///     replaced
  void commitUnsealed(ModelDirectory.Existing existing) throws IOException {
    AtomicFile.forceDirectory(part);
    requireReplaceable(target, existing);
    if (Files.exists(target)) {
      Directories.exchange(part, target);
    } else {
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    }
    AtomicFile.forceDirectory(parent);
  }

  /// Deletes the unfinished directory unless it was committed; then, the one it replaced.
  @Override
  public void close() throws IOException {
    try (lock) {
      delete(part);
    }
  }

  private static List<Path> list(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    }
  }

  /// Deletes a file, or a directory of files, if it exists.
  static void delete(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      for (Path file : list(path)) {
        Files.delete(file);
      }
    }
    Files.deleteIfExists(path);
  }
}
