package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// Runs that were ended from outside, against one that was left alone.
class ResumedTrainingTest {
  private static final int STEPS = 30;
  private static final List<String> NUMBERS =
      List.of("step", "loss", "smoothed_loss", "eval_loss", "lr", "grad_norm");

  @TempDir private static Path directory;
  private static Path text;
  private static Path model;
  private static Path whole;
  private static MetricsFile wholeLog;

  @BeforeAll
  static void trainWithoutInterruption() throws IOException {
    text = CommandRun.someText(directory.resolve("text.txt"));
    model = CommandRun.tinyModel(directory.resolve("blank"));
    whole = directory.resolve("whole");
    CommandRun.succeeding(training(whole));
    wholeLog = MetricsFile.read(log(whole));
    assertThat(wholeLog.column("step"))
        .containsExactlyElementsOf(
            LongStream.rangeClosed(0, STEPS).mapToObj(Long::toString).toList());
    assertThat(wholeLog.column("eval_loss"))
        .filteredOn(loss -> !loss.isEmpty())
        .hasSize(1 + STEPS / 5);
  }

  private static Object[] training(Path run) {
    return new Object[] {
      "train-ce",
      "--dataset=" + text,
      "--text_format=document",
      "--model_path=" + model,
      "--output_dir=" + run,
      "--csv_log=" + log(run),
      "--iters=" + STEPS,
      "--batch_size=2",
      "--seq_len=32",
      "--save_interval=5",
      "--eval_interval=5",
      "--eval_tokens=512",
      "--threads=1",
    };
  }

  private static Path log(Path run) {
    return run.resolveSibling(run.getFileName() + ".csv");
  }

  /// Rows of the log but the first, which is the loss before training.
  private static int loggedSteps(Path run) {
    try {
      return Files.exists(log(run)) ? Math.max(0, MetricsFile.read(log(run)).rows().size() - 1) : 0;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean hasCheckpoint(Path run, int step) {
    return Files.exists(run.resolve("checkpoints/step-%08d/manifest.json".formatted(step)));
  }

  private static List<String> checkpoints(Path run) throws IOException {
    try (Stream<Path> found = Files.list(run.resolve("checkpoints"))) {
      return found.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private static void assertSameAsWhole(Path run) throws IOException {
    MetricsFile log = MetricsFile.read(log(run));
    for (String name : NUMBERS) {
      assertThat(log.column(name)).as(name).isEqualTo(wholeLog.column(name));
    }
    for (String file : List.of("model.safetensors", "master.safetensors")) {
      assertThat(run.resolve("model").resolve(file))
          .hasSameBinaryContentAs(whole.resolve("model").resolve(file));
    }
  }

  @Test
  void killedRunGoesOnWithTheSameLosses() throws Exception {
    Path run = directory.resolve("killed");
    try (Training process = new Training(run)) {
      // past its second checkpoint, so that the log has steps that must be done and logged again
      process.await(() -> hasCheckpoint(run, 10) && loggedSteps(run) > 11);
      process.handle().destroyForcibly();
      process.awaitEnd();
    }
    assertThat(loggedSteps(run)).isBetween(12, STEPS - 1);
    assertThat(run.resolve("model")).doesNotExist();

    CommandRun resumed = CommandRun.succeeding(CommandRun.with(training(run), "--resume", "auto"));

    assertThat(resumed.out()).containsPattern("resumed: \\S+step-000000(10|15|20|25)");
    assertSameAsWhole(run);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS) // which has no SIGTERM
  void interruptedRunSavesWhereItStandsAndGoesOnWithTheSameLosses() throws Exception {
    Path run = directory.resolve("interrupted");
    try (Training process = new Training(run)) {
      process.await(() -> loggedSteps(run) > 5);
      process.handle().destroy();
      process.awaitEnd();
      assertThat(process.handle().exitValue()).as(process.output()).isEqualTo(143);
    }
    int done = loggedSteps(run);
    assertThat(done).isBetween(6, STEPS - 1);
    assertThat(checkpoints(run).getLast()).isEqualTo("step-%08d".formatted(done));

    CommandRun resumed = CommandRun.succeeding(CommandRun.with(training(run), "--resume", "auto"));

    assertThat(resumed.out()).contains("step %d/%d  held-out loss".formatted(done, STEPS));
    assertSameAsWhole(run);
  }

  @Test
  void finishedRunIsLeftAloneUnlessItIsResumed() throws IOException {
    String before = Files.readString(log(whole), UTF_8);

    CommandRun again = CommandRun.of(training(whole));

    assertThat(again.exitCode()).isEqualTo(2);
    assertThat(again.err().lines())
        .singleElement()
        .asString()
        .contains(whole.toString(), "already contains a run", "--resume auto", "--output_dir");
    assertThat(log(whole)).hasContent(before.strip());
  }

  @Test
  void runIsResumedWithItsOwnSettingsOnly() throws IOException {
    String before = Files.readString(log(whole), UTF_8);

    CommandRun other =
        CommandRun.of(CommandRun.with(training(whole), "--resume", "auto", "--lr", "0.1"));

    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.err().lines())
        .singleElement()
        .asString()
        .contains("step-%08d".formatted(STEPS), "--lr was 1.5e-3, now 0.1");
    assertThat(log(whole)).hasContent(before.strip());
  }

  /// A run in a JVM of its own.
  private static final class Training implements AutoCloseable {
    private final Path output;
    private final Process process;

    Training(Path run) throws IOException {
      output = run.resolveSibling(run.getFileName() + ".out");
      process = CommandRun.start(output, training(run));
    }

    Process handle() {
      return process;
    }

    String output() throws IOException {
      return Files.readString(output, UTF_8);
    }

    void await(BooleanSupplier reached) throws Exception {
      long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
      while (!reached.getAsBoolean()) {
        assertThat(process.isAlive()).as(output()).isTrue();
        assertThat(System.nanoTime()).as(output()).isLessThan(deadline);
        Thread.sleep(5);
      }
    }

    void awaitEnd() throws Exception {
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).as(output()).isTrue();
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }
}
