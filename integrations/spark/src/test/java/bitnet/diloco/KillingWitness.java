package bitnet.diloco;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Ends its process, as `kill -9` does, once for each file that a test lays beside the run's
/// directory.
public final class KillingWitness implements RoundPhase.Witness {
  /// What to do in this process when the driver has joined a round.
  private static final AtomicReference<Consumer<RoundPlan>> JOINED =
      new AtomicReference<>(plan -> {});

  /// For `ServiceLoader`.
  public KillingWitness() {}

  /// Makes whoever reaches a phase first end its process.
  ///
  /// @param step that the round begins with
  public static void kill(Path run, RoundPhase phase, long step) throws IOException {
    Path file = file(run, phase, step);
    Files.createDirectories(file.getParent());
    Files.createFile(file);
  }

  /// Makes something happen in this process when the driver has joined a round.
  public static void whenJoined(Consumer<RoundPlan> what) {
    JOINED.set(what);
  }

  /// Whether all processes were ended that were to be.
  public static boolean isDone(Path run) throws IOException {
    try (Stream<Path> left = Files.list(directory(run))) {
      return left.findAny().isEmpty();
    }
  }

  private static Path directory(Path run) {
    return Path.of(run + ".kill");
  }

  private static Path file(Path run, RoundPhase phase, long step) {
    return directory(run).resolve("%s-%d".formatted(phase, step));
  }

  @Override
  public void reached(RoundPhase phase, RoundPlan plan, int shard) {
    if (phase == RoundPhase.JOINED) {
      Objects.requireNonNull(JOINED.get()).accept(plan);
    }
    try {
      if (Files.deleteIfExists(file(Path.of(plan.directory()), phase, plan.step()))) {
        long self = ProcessHandle.current().pid();
        new ProcessBuilder("kill", "-9", Long.toString(self)).start().waitFor();
        Thread.sleep(60_000);
      }
    } catch (IOException | InterruptedException failure) {
      throw new IllegalStateException(failure);
    }
  }
}
