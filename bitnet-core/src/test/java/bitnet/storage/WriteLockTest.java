package bitnet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Within one process; src/test has two, one of which is killed.
class WriteLockTest {
  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = directory.resolve("run/run.lock");
  }

  private WriteLock acquire() throws IOException {
    return WriteLock.acquire(directory.resolve("run"), file, "use another");
  }

  @Test
  void theSecondIsRefusedUntilTheFirstIsDone() throws IOException {
    try (WriteLock lock = acquire()) {
      assertThat(lock.isTakenOver()).isFalse();
      assertThat(file).hasContent(Long.toString(ProcessHandle.current().pid()));
      assertThatIOException()
          .isThrownBy(this::acquire)
          .withMessage(
              "%s: process %d is writing it (%s is locked); wait for it to end, or use another",
              directory.resolve("run"), ProcessHandle.current().pid(), file);
    }
    assertThat(file).doesNotExist();
    acquire().close();
  }

  @Test
  void theFileThatAKilledProcessLeftIsNoObstacle() throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "123456789012\n");

    try (WriteLock lock = acquire()) {
      assertThat(lock.isTakenOver()).isTrue();
      assertThat(file).hasContent(Long.toString(ProcessHandle.current().pid()));
    }
    assertThat(file).doesNotExist();
  }

  @Test
  void aPlaceBelowAFileIsRefused() throws IOException {
    Files.writeString(directory.resolve("run"), "");

    assertThatIOException()
        .isThrownBy(this::acquire)
        .isInstanceOf(WriteFailure.class)
        .withMessageStartingWith(directory.resolve("run") + ": cannot be written: ")
        .withMessageEndingWith("; name another place");
  }
}
