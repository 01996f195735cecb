package bitnet.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Making and replacing directories.
public final class Directories {
  private static final int AT_THE_WORKING_DIRECTORY = -100;
  private static final int EXCHANGE = 2;

  private Directories() {}

  /// Makes a directory and those above it where they are missing.
  ///
  /// @param directory null for the root, which is there
  /// @throws WriteFailure if it cannot be made
  public static void make(@Nullable Path directory) throws IOException {
    if (directory == null) {
      return;
    }
    try {
      Files.createDirectories(directory);
    } catch (IOException failure) {
      throw WriteFailure.of(directory, failure);
    }
  }

  /// Deletes a directory with everything in it, if it exists; links are deleted, not followed.
  public static void deleteTree(Path directory) throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> tree = Files.walk(directory)) {
      all = tree.sorted(Comparator.reverseOrder()).toList(); // the deepest first
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }

  /// The sizes of a file, or of the files in a directory, together.
  public static long fileBytes(Path path) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.walk(path, 1)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  /// Puts a directory in the place of another, which goes to where the first was. Where the
  /// operating system can exchange the two there is no moment without a directory; elsewhere a
  /// process that is killed within the change leaves the old one as `<replaced>.old`, and
  /// [#recover] brings it back.
  public static void exchange(Path replacement, Path replaced) throws IOException {
    if (exchanged(replacement, replaced)) {
      return;
    }
    Path old = old(replaced);
    Files.move(replaced, old, StandardCopyOption.ATOMIC_MOVE);
    Files.move(replacement, replaced, StandardCopyOption.ATOMIC_MOVE);
    Files.move(old, replacement, StandardCopyOption.ATOMIC_MOVE);
  }

  /// Finishes or undoes an [#exchange] that a killed process had begun.
  public static void recover(Path replacement, Path replaced) throws IOException {
    Path old = old(replaced);
    if (Files.exists(old)) {
      boolean done = Files.exists(replaced);
      Files.move(old, done ? replacement : replaced, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private static Path old(Path replaced) {
    return replaced.resolveSibling(replaced.getFileName() + ".old");
  }

  @SuppressWarnings("restricted") // the descriptor is that of the manual page
  private static boolean exchanged(Path one, Path other) {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> function = function(linker.defaultLookup());
    if (function.isEmpty()) {
      return false;
    }
    FunctionDescriptor descriptor =
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_INT);
    try (Arena arena = Arena.ofConfined()) {
      // a file system that cannot do it says so with a result other than 0
      return 0
          == (int)
              linker
                  .downcallHandle(function.get(), descriptor)
                  .invokeExact(
                      AT_THE_WORKING_DIRECTORY,
                      arena.allocateFrom(one.toAbsolutePath().toString()),
                      AT_THE_WORKING_DIRECTORY,
                      arena.allocateFrom(other.toAbsolutePath().toString()),
                      EXCHANGE);
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible); // a C function throws nothing
    }
  }

  private static Optional<MemorySegment> function(SymbolLookup lookup) {
    return lookup.find("renameat2"); // Linux with glibc 2.28 or newer
  }
}
