package bitnet.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErrorTextTest {
  @TempDir private Path directory;

  @Test
  void aMissingFileIsNamed() {
    Path missing = directory.resolve("model.safetensors");

    assertThat(ErrorText.of(failureOf(() -> Files.readString(missing))))
        .isEqualTo("bitnet: " + missing + ": no such file or directory");
  }

  @Test
  void aPresentFileIsNamed() {
    assertThat(ErrorText.of(failureOf(() -> Files.createDirectory(directory))))
        .isEqualTo("bitnet: " + directory + ": exists already");
  }

  @Test
  void aFullDiskIsToldWithItsFile() {
    assertThat(ErrorText.of(new FileSystemException("out", null, "No space left on device")))
        .isEqualTo("bitnet: out: No space left on device");
  }

  @Test
  void theCauseOfAnUncheckedWrapperIsTold() {
    assertThat(ErrorText.of(new UncheckedIOException(new IOException("header is cut off"))))
        .isEqualTo("bitnet: header is cut off");
  }

  @Test
  void onlyTheFirstLineOfANativeMessageIsTold() {
    assertThat(ErrorText.of(new IllegalStateException("out of memory\nframe #0: c10::Error")))
        .isEqualTo(
            "bitnet: java.lang.IllegalStateException: out of memory (--stacktrace shows where)");
  }

  @Test
  void aSmallHeapIsToldWithTheWayToEnlargeIt() {
    assertThat(ErrorText.of(new OutOfMemoryError("Java heap space")))
        .matches("bitnet: the Java heap is too small .*BITNET_JAVA_OPTS=-Xmx\\d+m");
  }

  @FunctionalInterface
  private interface Action {
    void run() throws IOException;
  }

  private static IOException failureOf(Action action) {
    try {
      action.run();
    } catch (IOException failure) {
      return failure;
    }
    throw new AssertionError("did not fail");
  }
}
