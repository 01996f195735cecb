package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SparkEvaluateTest {
  @TempDir private static Path shared;
  @TempDir private Path directory;
  private static Path model;
  private static Path sums;

  @BeforeAll
  static void make() {
    model = CommandRun.tinyModel(shared.resolve("model"));
    sums = shared.resolve("sums.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--ops=+", "--count=60", "--output", sums);
  }

  private static Object[] questions(Path samples) {
    return new Object[] {
      "evaluate",
      "--task=reasoning",
      "--dataset=" + sums,
      "--ce_model=" + model,
      "--model=again=" + model,
      "--max_length=40",
      "--temperature=1",
      "--samples=2",
      "--batch_size=3",
      "--threads=1",
      "--samples_file=" + samples,
    };
  }

  private static Object[] onSpark(Object[] command, Object... more) {
    return CommandRun.with(CommandRun.with(new Object[] {"spark"}, command), more);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1000})
  void samplesAndFiguresAreThoseOfTheLocalCommandWhateverTheTasks(int recordsPerTask)
      throws IOException {
    Path local = directory.resolve("local.jsonl");
    Path spark = directory.resolve("spark.jsonl");
    CommandRun expected = CommandRun.succeeding(questions(local));
    CommandRun run =
        CommandRun.succeeding(
            onSpark(questions(spark), "--master=local[2]", "--records_per_task=" + recordsPerTask));

    assertThat(spark).hasSameBinaryContentAs(local);
    assertThat(run.out()).contains(lastLines(expected.out()));
    assertThat(run.out())
        .containsPattern(
            "spark: %d tasks on 1 executor, start-up [\\d.]+ s, tasks [\\d.]+ s, of which the model"
                .formatted(2 * Math.ceilDiv(60, recordsPerTask)));
  }

  /// The table, without the lines of progress before it.
  private static String lastLines(String out) {
    return out.substring(out.indexOf("\n\n"));
  }

  @Test
  void aTextAndAResumedRunGiveTheFiguresOfTheLocalCommand() throws IOException {
    Path text = directory.resolve("text.txt");
    Files.writeString(text, "To be, or not to be, that is the question.\n".repeat(40));
    Path samples = directory.resolve("samples.jsonl");
    Object[] command = {
      "evaluate",
      "--task=perplexity",
      "--dataset=" + text,
      "--ce_model=" + model,
      "--batch_size=2",
      "--threads=1",
      "--samples_file=" + samples,
      "--json"
    };
    CommandRun expected = CommandRun.succeeding(command);
    List<String> lines = Files.readAllLines(samples, StandardCharsets.UTF_8);
    Files.write(samples, lines.subList(0, 5));

    CommandRun run = CommandRun.succeeding(onSpark(command, "--resume", "--master=local[2]"));

    assertThat(run.out()).isEqualTo(expected.out());
    assertThat(Files.readAllLines(samples)).isEqualTo(lines);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--master=somewhere | 2 | --master somewhere is not the address of a Spark master; use"
            + " local[2], spark://HOST:7077, yarn or k8s://https://HOST:PORT",
        "--master=spark://127.0.0.1:1 | 1 | no Spark master answers at spark://127.0.0.1:1"
            + " (Connection refused); start one, or name another with --master",
        "--conf=executor.memory=1g | 2 | --conf executor.memory is not a setting of Spark, whose"
            + " names begin with spark.; correct it",
        "--records_per_task=0 | 2 | --records_per_task 0 must be at least 1",
      })
  void whatCannotWorkIsToldInOneLine(String option, int exitCode, String message) {
    CommandRun run = CommandRun.of(onSpark(questions(directory.resolve("none.jsonl")), option));

    assertThat(run.err()).isEqualTo("bitnet: %s%n".formatted(message));
    assertThat(run.exitCode()).isEqualTo(exitCode);
  }

  @Test
  void anExecutorThatDoesNotSeeTheModelRefuses() {
    assertThatThrownBy(() -> ExecutorModels.hold(task(directory.resolve("gone"), "key")))
        .isInstanceOf(TaskRefusal.class)
        .hasMessageStartingWith("this process: ")
        .hasMessageContaining("gone: no such file or directory")
        .hasMessageEndingWith("; executors need the files at the same paths as the driver");
  }

  @Test
  void anExecutorWithOtherFilesThanTheDriverRefuses() {
    assertThatThrownBy(() -> ExecutorModels.hold(task(model, "task=qa&dataset=0")))
        .isInstanceOf(TaskRefusal.class)
        .hasMessageContaining("differ from the driver's");
  }

  private static EvaluationTask task(Path path, String key) {
    ArrayList<String> arguments =
        new ArrayList<>(List.of("--dataset=" + sums, "--ce_model=" + model));
    return new EvaluationTask(arguments, "ce", path.toString(), "", key, 0, 1);
  }
}
