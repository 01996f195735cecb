package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Two processes that write to one place: the second is refused, the first is not disturbed.
@DisabledOnOs(OS.WINDOWS) // which cannot hold a process
class TwoProcessesTest {
  @TempDir private static Path directory;
  private static Path text;
  private static Path questions;
  private static Path model;

  @BeforeAll
  static void makeInputs() throws IOException {
    text = CommandRun.someText(directory.resolve("text.txt"));
    questions = directory.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=40", "--output", questions);
    model = directory.resolve("model");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=128",
        "--intermediate_size=512",
        "--layers=4",
        "--heads=2",
        "--tokenizer=bytes",
        "--context=128",
        "--output_dir",
        model);
  }

  /// Starts a command, holds it as soon as a file is there, runs the same command again, which
  /// must be refused, and lets the first one end.
  private static String secondIsRefused(Path held, Object... command) throws Exception {
    Path output = Files.createTempFile(directory, "first", ".out");
    Process first = CommandRun.start(output, command);
    try {
      long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
      while (!Files.exists(held) || Files.size(held) == 0) {
        assertThat(first.isAlive()).as(Files.readString(output, UTF_8)).isTrue();
        assertThat(System.nanoTime()).isLessThan(deadline);
      }
      signal("STOP", first);
      CommandRun second = CommandRun.of(command);
      signal("CONT", first);

      assertThat(second.exitCode()).as(second.err()).isEqualTo(1);
      assertThat(second.err().lines()).singleElement().asString().startsWith("bitnet: ");
      assertThat(first.waitFor(2, TimeUnit.MINUTES)).isTrue();
      assertThat(first.exitValue()).as(Files.readString(output, UTF_8)).isZero();
      return second.err().replace(Long.toString(first.pid()), "PID").strip();
    } finally {
      first.destroyForcibly();
    }
  }

  private static void signal(String name, Process process) throws Exception {
    String pid = Long.toString(process.pid());
    assertThat(new ProcessBuilder("kill", "-" + name, pid).start().waitFor()).isZero();
  }

  private static void assertNothingLeftBeside(Path target) throws IOException {
    try (Stream<Path> rest = Files.list(target.getParent())) {
      assertThat(rest.map(path -> path.getFileName().toString()))
          .doesNotContain("model.lock", "model.part", "model.gguf.part", "run.lock");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"train-ce", "train-grpo"})
  void aRunDirectoryBelongsToOneRun(String trainer) throws Exception {
    Path run = Files.createDirectories(directory.resolve(trainer)).resolve("run");
    Path log = run.resolveSibling("log.csv");
    Object[] options = {
      trainer, "--model_path=" + model, "--output_dir=" + run, "--csv_log=" + log, "--threads=1",
    };
    Object[] command =
        trainer.equals("train-ce")
            ? CommandRun.with(
                options,
                "--dataset=" + text,
                "--text_format=document",
                "--iters=4",
                "--seq_len=32",
                "--batch_size=2")
            : CommandRun.with(
                options,
                "--dataset=" + questions,
                "--steps=2",
                "--batch_size=2",
                "--group_size=2",
                "--max_length=4");

    String said = secondIsRefused(run.resolve("run.lock"), command);

    assertThat(said)
        .isEqualTo(
            "bitnet: %s: process PID is writing it (%s is locked); wait for it to end, or use another --output_dir"
                .formatted(run, run.resolve("run.lock")));
    assertThat(MetricsFile.read(log).column("step"))
        .endsWith(trainer.equals("train-ce") ? "4" : "2");
    assertNothingLeftBeside(run.resolve("model"));
    CommandRun.succeeding("verify", "--model_path", run);
  }

  @ParameterizedTest
  @ValueSource(strings = {"create-model", "hf-online"})
  void aModelDirectoryIsWrittenByOneProcess(String way) throws Exception {
    Path target = Files.createDirectories(directory.resolve(way)).resolve("model");
    Object[] command =
        way.equals("create-model")
            ? new Object[] {"create-model", "--params=6M", "--force", "--output_dir", target}
            : new Object[] {"convert", "--from", model, "--to", target, "--format", way, "--force"};

    String said = secondIsRefused(target.resolveSibling("model.lock"), command);

    assertThat(said)
        .isEqualTo(
            "bitnet: %s: process PID is writing it (%s is locked); wait for it to end, or write to another place"
                .formatted(target, target.resolveSibling("model.lock")));
    assertNothingLeftBeside(target);
    CommandRun.succeeding("verify", "--model_path", target);
  }

  @Test
  void aGgufFileIsWrittenByOneProcess() throws Exception {
    Path target = Files.createDirectories(directory.resolve("gguf")).resolve("model.gguf");

    String said =
        secondIsRefused(
            target.resolveSibling("model.gguf.part"),
            "convert",
            "--from",
            model,
            "--to",
            target,
            "--format=gguf-f16",
            "--force");

    assertThat(said)
        .isEqualTo(
            "bitnet: %s: another process is writing it; wait for it to end, or name another file"
                .formatted(target));
    assertNothingLeftBeside(target);
    CommandRun.succeeding("verify", "--model_path", target);
  }

  @Test
  void samplesAreWrittenByOneEvaluation() throws Exception {
    Path samples = Files.createDirectories(directory.resolve("samples")).resolve("samples.jsonl");

    String said =
        secondIsRefused(
            samples,
            "evaluate",
            "--dataset=" + questions,
            "--ce_model=" + model,
            "--max_length=20",
            "--batch_size=2",
            "--resume",
            "--samples_file=" + samples);

    assertThat(said)
        .isEqualTo(
            "bitnet: %s: another evaluation is writing it; wait for it to end".formatted(samples));
    assertThat(Files.readAllLines(samples)).hasSize(40);
  }
}
