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

/// A model in the cache, with all its revisions.
///
/// @param repository `ORG/NAME`
/// @param directory in the cache
/// @param bytes on the disk, of unfinished downloads as well
/// @param lastUse when a file of it was last read, as far as the file system records it
public record CachedModel(String repository, Path directory, long bytes, Instant lastUse) {
  private static final String PREFIX = "models--";

  /// The models in a cache, by name; empty if the cache does not exist.
  public static List<CachedModel> list(Path cache) throws IOException {
    List<CachedModel> models = new ArrayList<>();
    if (!Files.isDirectory(cache)) {
      return models;
    }
    try (Stream<Path> entries = Files.list(cache)) {
      for (Path directory : entries.sorted().toList()) {
        String name = directory.getFileName().toString();
        if (name.startsWith(PREFIX) && Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
          models.add(of(directory, name.substring(PREFIX.length()).replace("--", "/")));
        }
      }
    }
    return models;
  }

  private static CachedModel of(Path directory, String repository) throws IOException {
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
    return new CachedModel(repository, directory, bytes, lastUse);
  }

  /// Removes the model from the cache; links are removed, not followed.
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
