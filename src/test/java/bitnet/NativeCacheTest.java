package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A user without a place for native libraries: one line names the directory and the variable that
/// sets another one.
class NativeCacheTest {
  @TempDir private Path directory;

  private Path model;
  private Path unusable;

  @BeforeEach
  void makeAModelAndAFileInPlaceOfTheCache() throws IOException {
    model = CommandRun.tinyModel(directory.resolve("model"));
    unusable = Files.writeString(directory.resolve("file"), "not a directory").resolve("cache");
  }

  private void assertNamesTheVariable(Object... command) throws Exception {
    Path output = directory.resolve("output");
    ProcessBuilder process = new ProcessBuilder(CommandRun.commandLine(command));
    process.environment().put("DJL_CACHE_DIR", unusable.toString());
    process.environment().remove("ENGINE_CACHE_DIR");
    Process started = process.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    assertThat(started.waitFor(2, TimeUnit.MINUTES)).isTrue();

    assertThat(started.exitValue()).isEqualTo(1);
    assertThat(Files.readString(output, UTF_8).lines().filter(line -> line.contains("bitnet: ")))
        .singleElement()
        .asString()
        .contains("set DJL_CACHE_DIR", "to a directory that can be written");
    assertThat(Files.readString(output, UTF_8)).doesNotContain("\tat ");
  }

  @Test
  void trainingNamesTheDirectoryOfLibtorch() throws Exception {
    assertNamesTheVariable(
        "train-ce",
        "--model_path=" + model,
        "--dataset=" + CommandRun.someText(directory.resolve("text.txt")),
        "--text_format=document",
        "--iters=1",
        "--seq_len=32",
        "--output_dir=" + directory.resolve("run"));
  }

  @Test
  void inferenceNamesTheDirectoryOfTheTokenizer() throws Exception {
    assertNamesTheVariable("infer", "--model_path=" + model, "--prompt=A", "--max_length=2");
  }
}
