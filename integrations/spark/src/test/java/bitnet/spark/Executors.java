package bitnet.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/// The executors that a `local-cluster` of this JVM has started.
final class Executors {
  /// A cluster of two executors with a core each; its processes start fast and compute slowly.
  static final List<String> TWO =
      List.of(
          "--master=local-cluster[2,1,512]",
          "--conf=spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1");

  private Executors() {}

  /// Kills one, as `kill -9` does, as soon as a condition holds.
  static Thread killOneWhen(Callable<Boolean> condition) {
    return Thread.ofPlatform()
        .start(
            () -> {
              try {
                while (!condition.call()) {
                  Thread.sleep(5);
                }
                running().getFirst().destroyForcibly();
              } catch (Exception failure) {
                throw new IllegalStateException(failure);
              }
            });
  }

  /// No other Java processes are children of a JVM of tests.
  private static List<ProcessHandle> running() {
    return ProcessHandle.current()
        .descendants()
        .filter(process -> process.info().command().orElse("").endsWith("/java"))
        .toList();
  }

  static boolean holdsSomething(Path file) throws IOException {
    return Files.exists(file) && Files.size(file) > 0;
  }
}
