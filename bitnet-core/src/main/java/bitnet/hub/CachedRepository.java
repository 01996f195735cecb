package bitnet.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// A model or a dataset in the cache, with all its revisions.
///
/// @param kind of the repository
/// @param repository `ORG/NAME`, of a dataset with `datasets/` before it
/// @param directory in the cache
/// @param bytes on the disk, of unfinished downloads as well
/// @param lastUse when a file of it was last read, as far as the file system records it
public record CachedRepository(
    RepositoryKind kind, String repository, Path directory, long bytes, Instant lastUse) {

  /// The models and then the datasets in a cache, by name; empty if the cache does not exist.
  public static List<CachedRepository> list(Path cache) throws IOException {
    List<CachedRepository> found = new ArrayList<>();
    if (!Files.isDirectory(cache)) {
      return found;
    }
    List<Path> directories;
    try (Stream<Path> entries = Files.list(cache)) {
      directories =
          entries
              .filter(entry -> Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS))
              .sorted()
              .toList();
    }
    for (RepositoryKind kind : RepositoryKind.values()) {
      for (Path directory : directories) {
        String name = directory.getFileName().toString();
        if (name.startsWith(kind.prefix())) {
          found.add(of(kind, directory, name.substring(kind.prefix().length())));
        }
      }
    }
    return found;
  }

  private static CachedRepository of(RepositoryKind kind, Path directory, String name)
      throws IOException {
    long bytes = 0;
    Instant lastUse = Instant.EPOCH;
    for (Path path : contents(directory)) {
      BasicFileAttributes facts =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (facts.isRegularFile()) {
        bytes += facts.size();
        Instant read = facts.lastAccessTime().toInstant();
        lastUse = read.isAfter(lastUse) ? read : lastUse;
      }
    }
    String repository = kind.address() + name.replace("--", "/");
    return new CachedRepository(kind, repository, directory, bytes, lastUse);
  }

  /// Removes the repository from the cache; links are removed, not followed.
  public void remove() throws IOException {
    for (Path path : contents(directory)) {
      Files.delete(path);
    }
  }

  /// The directory and what is in it, deepest first.
  private static List<Path> contents(Path directory) throws IOException {
    try (Stream<Path> tree = Files.walk(directory)) {
      return tree.sorted(Comparator.reverseOrder()).toList();
    }
  }
}
