package bitnet.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class ErrorTextTest {
  private static final CommandSpec COMMAND =
      CommandSpec.create()
          .addOption(OptionSpec.builder("--lr").type(double.class).build())
          .addOption(OptionSpec.builder("--iters").type(int.class).build())
          .addOption(OptionSpec.builder("--batch_size").type(int.class).build())
          .addOption(OptionSpec.builder("--resume").type(String.class).build());

  @TempDir private Path directory;

  @Test
  void aMissingFileIsNamed() {
    Path missing = directory.resolve("model.safetensors");

    assertThat(ErrorText.of(failureOf(() -> Files.readString(missing)), COMMAND))
        .isEqualTo("bitnet: " + missing + ": no such file or directory");
  }

  @Test
  void aPresentFileIsNamed() {
    assertThat(ErrorText.of(failureOf(() -> Files.createDirectory(directory)), COMMAND))
        .isEqualTo("bitnet: " + directory + ": exists already");
  }

  @Test
  void aFullDiskIsToldWithItsFile() {
    assertThat(
            ErrorText.of(new FileSystemException("out", null, "No space left on device"), COMMAND))
        .isEqualTo("bitnet: out: No space left on device");
  }

  @Test
  void theCauseOfAnUncheckedWrapperIsTold() {
    assertThat(
            ErrorText.of(new UncheckedIOException(new IOException("header is cut off")), COMMAND))
        .isEqualTo("bitnet: header is cut off");
  }

  @Test
  void onlyTheFirstLineOfANativeMessageIsTold() {
    assertThat(
            ErrorText.of(new IllegalStateException("out of memory\nframe #0: c10::Error"), COMMAND))
        .isEqualTo(
            "bitnet: java.lang.IllegalStateException: out of memory (--stacktrace shows where)");
  }

  @Test
  void aSmallHeapIsToldWithTheWayToEnlargeIt() {
    assertThat(ErrorText.of(new OutOfMemoryError("Java heap space"), COMMAND))
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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lr 0.0 is not above 0 | --lr 0.0 is not above 0",
        "steps 0 must be at least 1 | --iters 0 must be at least 1",
        "use grad_checkpoint or batch_size 1 | use grad_checkpoint or --batch_size 1",
        "continue it with `resume` auto | continue it with --resume auto",
        "a lower `warmup` | a lower warmup",
        "made with other options: lr was 1e-3, now 2e-3, batch_size was 2, now 4"
            + " | made with other options: --lr was 1e-3, now 2e-3, --batch_size was 2, now 4",
        "runs/lr/batch_size: the field \"batch_size\" of lr.json"
            + " | runs/lr/batch_size: the field \"batch_size\" of lr.json",
      })
  void settingsAreNamedAsOptionsOfTheCommand(String message, String shown) {
    assertThat(ErrorText.of(new IllegalArgumentException(message), COMMAND))
        .isEqualTo("bitnet: " + shown);
  }
}
