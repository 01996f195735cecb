package bitnet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/// A directory as the distribution's archive unpacks it, without libtorch.
final class Installation {
  private static final int LARGEST_JAR_BYTES = 50_000_000;

  private Installation() {}

  /// Copies the launcher and the jars.
  ///
  /// @return the launcher
  static Path in(Path root) throws IOException {
    Path launcher = root.resolve("bin/bitnet");
    Files.createDirectories(launcher.getParent());
    Path built = ScriptRun.ROOT.resolve("scripts/bitnet");
    Files.copy(built, launcher, StandardCopyOption.COPY_ATTRIBUTES);
    Path target = ScriptRun.ROOT.resolve("bitnet-cli/target");
    Path lib = Files.createDirectories(root.resolve("lib"));
    Files.copy(target.resolve("class-path"), lib.resolve("class-path"));
    try (Stream<Path> jars = Files.list(target.resolve("lib"))) {
      for (Path jar : jars.toList()) {
        if (Files.size(jar) < LARGEST_JAR_BYTES) {
          Files.copy(jar, lib.resolve(jar.getFileName()));
        }
      }
    }
    return launcher;
  }
}
