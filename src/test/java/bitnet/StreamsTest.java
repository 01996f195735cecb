package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The command with standard streams that are closed, full or left by their reader.
@EnabledOnOs(OS.LINUX) // has /dev/full
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class StreamsTest {
  private static final Path LAUNCHER = ScriptRun.ROOT.resolve("scripts/bitnet");

  @TempDir private static Path directory;
  private static Path model;

  @BeforeAll
  static void makeModel() {
    ScriptRun.assumeBuilt();
    model = CommandRun.tinyModel(directory.resolve("blank"));
  }

  /// Runs a line of shell in which `bitnet` and `$model` are known; no line may take long.
  private static ScriptRun shell(String line) throws Exception {
    String script =
        "set -o pipefail; bitnet() { timeout 60 '%s' \"$@\"; }; model='%s'; %s"
            .formatted(LAUNCHER, model, line);
    return ScriptRun.in(directory, Map.of(), "bash", "-c", script);
  }

  @ParameterizedTest
  @ValueSource(strings = {"infer --prompt -", "chat"})
  void aClosedStandardInputIsNamed(String command) throws Exception {
    ScriptRun run = shell("bitnet %s --model_path \"$model\" <&-".formatted(command));

    assertThat(run.err().lines())
        .singleElement()
        .asString()
        .startsWith("bitnet: standard input is closed; ");
    assertThat(run.exitCode()).isEqualTo(1);
  }

  @Test
  void aPromptWithoutEndIsRefusedBeforeItFillsTheMemory() throws Exception {
    ScriptRun run = shell("bitnet infer --model_path \"$model\" --prompt - </dev/zero");

    assertThat(run.err())
        .isEqualTo("bitnet: standard input is longer than 16 MiB; give a shorter text\n");
    assertThat(run.exitCode()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "--help, >/dev/full, No space left on device",
    "--version, >/dev/full, No space left on device",
    "'infer --model_path $model --prompt a --max_length 3', >/dev/full, No space left on device",
    "'infer --model_path $model --prompt a --max_length 3 --json', >/dev/full, No space left",
    "'inspect $model', >/dev/full, No space left on device",
    "--version, >&-, standard output is closed",
    "'infer --model_path $model --prompt a --max_length 3', >&-, standard output is closed",
  })
  void outputThatCannotBeWrittenIsAFailure(String command, String redirection, String reason)
      throws Exception {
    ScriptRun run = shell("bitnet %s %s".formatted(command, redirection));

    assertThat(run.err().lines())
        .singleElement()
        .asString()
        .startsWith("bitnet: standard output cannot be written: ")
        .contains(reason);
    assertThat(run.exitCode()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"head -n 1", "true"})
  void aReaderThatHasGoneEndsTheWorkQuietly(String reader) throws Exception {
    String prompts = " --prompt a".repeat(2000);
    ScriptRun run =
        shell(
            "bitnet infer --model_path \"$model\" --max_length 60%s | %s"
                .formatted(prompts, reader));

    assertThat(run.err()).isEmpty();
    assertThat(run.exitCode()).isEqualTo(141);
  }

  @Test
  void aConversationFromAWindowsFileEndsWhereItSaysExit() throws Exception {
    ScriptRun run =
        shell(
            "printf 'Hi\\r\\n/exit\\r\\nmore\\r\\n' | bitnet chat --model_path \"$model\""
                + " --max_length 3 --stats");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err().lines()).as("statistics of one reply").hasSize(1);
    assertThat(run.out()).doesNotContain("/reset");
  }

  @Test
  void aDatasetComesThroughAPipeWithoutLoss() throws Exception {
    ScriptRun run =
        shell(
            "bitnet make-data arithmetic --digits 1 --count 64 --output sums.jsonl >/dev/null &&"
                + " bitnet train-ce --model_path \"$model\" --dataset <(cat sums.jsonl) --iters 1"
                + " --seq_len 16 --batch_size 1 --eval_fraction 0 --output_dir piped");

    assertThat(run.err()).isEmpty();
    assertThat(run.out()).contains("data: 64 examples");
  }

  @Test
  void aModelFromAPipeIsRefusedByName() throws Exception {
    ScriptRun run = shell("mkfifo fifo; bitnet infer --model_path fifo --prompt a");

    assertThat(run.err())
        .isEqualTo(
            "bitnet: fifo is a pipe or a device; a model is read more than once, so write it to a"
                + " file first\n");
    assertThat(run.exitCode()).isEqualTo(1);
  }

  @Test
  void aDeviceIsNotReplacedByAFile() throws Exception {
    Path fifo = directory.resolve("page.json");
    ScriptRun run =
        shell(
            "mkfifo page.json; bitnet train-tokenizer --corpus '%s' --vocab_size 300 --output page.json"
                .formatted(
                    Files.writeString(directory.resolve("corpus.txt"), "to be or not to be")));

    assertThat(run.err()).contains("page.json: is a pipe or a device");
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(Files.isRegularFile(fifo)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {".", "''", "$PWD", "../empty"})
  void anEmptyWorkingDirectoryIsNotReplacedUnderTheShell(String place) throws Exception {
    ScriptRun run =
        shell(
            "rm -rf empty; mkdir empty; cd empty; bitnet create-model --hidden_size 64"
                + " --intermediate_size 64 --layers 1 --heads 1 --tokenizer bytes --output_dir "
                + place
                + "; echo $?; touch here");

    assertThat(run.out().strip()).isEqualTo("2");
    assertThat(run.err()).contains("holds the directory in which this command runs");
    assertThat(directory.resolve("empty/here")).exists();
  }
}
