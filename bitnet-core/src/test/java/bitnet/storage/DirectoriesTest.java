package bitnet.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class DirectoriesTest {
  @TempDir Path directory;
  private Path part;
  private Path target;
  private Path old;

  @BeforeEach
  void makeBoth() throws IOException {
    part = make("größer.part", "new");
    target = make("größer", "old");
    old = directory.resolve("größer.old");
  }

  private Path make(String name, String content) throws IOException {
    Path made = Files.createDirectory(directory.resolve(name));
    Files.writeString(made.resolve("file"), content);
    return made;
  }

  @Test
  void eachTakesTheOthersPlace() throws IOException {
    Directories.exchange(part, target);

    assertThat(target.resolve("file")).hasContent("new");
    assertThat(part.resolve("file")).hasContent("old");
    assertThat(old).doesNotExist();
  }

  /// Somebody who looks all the time always finds a directory, since the two change at once.
  @Test
  @EnabledOnOs(OS.LINUX)
  void noMomentIsWithoutADirectory() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    AtomicBoolean missed = new AtomicBoolean();
    Thread reader =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!done.get()) {
                    if (!Files.exists(target)) {
                      missed.set(true);
                    }
                  }
                });
    for (int i = 0; i < 5000; i++) {
      Directories.exchange(part, target);
    }
    done.set(true);
    reader.join();

    assertThat(missed).isFalse();
  }

  @Test
  void aChangeThatWasCutShortBeforeTheNewOneCameIsUndone() throws IOException {
    Files.move(target, old);

    Directories.recover(part, target);

    assertThat(target.resolve("file")).hasContent("old");
    assertThat(part.resolve("file")).hasContent("new");
    assertThat(old).doesNotExist();
  }

  @Test
  void aChangeThatWasCutShortAfterThatIsFinished() throws IOException {
    Files.move(target, old);
    Files.move(part, target);

    Directories.recover(part, target);

    assertThat(target.resolve("file")).hasContent("new");
    assertThat(part.resolve("file")).hasContent("old");
    assertThat(old).doesNotExist();
  }
}
