package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SparkRolloutsCommandTest {
  @TempDir private static Path shared;
  @TempDir private Path directory;
  private static Path model;
  private static Path sums;
  private static Path whole; // in one task

  @BeforeAll
  static void make() {
    model = CommandRun.tinyModel(shared.resolve("model"));
    sums = shared.resolve("sums.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--ops=+", "--count=10", "--output", sums);
    whole = shared.resolve("whole.jsonl");
    CommandRun run = CommandRun.of(rollouts(whole));
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .containsPattern(
            "30 completions of 10 records: mean reward -?\\d\\.\\d{4}, \\d+\\.\\d% right, [\\d.]+"
                + " t");
  }

  private static Object[] rollouts(Path output, Object... more) {
    return CommandRun.with(
        new Object[] {
          "spark",
          "rollouts",
          "--master=local[2]",
          "--model_path=" + model,
          "--dataset=" + sums,
          "--samples=3",
          "--max_length=12",
          "--reward_model",
          "f1",
          "random",
          "--reward_weights",
          "1",
          "0.5",
          "--threads=1",
          "--output=" + output,
        },
        more);
  }

  @Test
  void aLineHasARecordWithItsCompletionsAndTheirScores() throws IOException {
    List<String> lines = Files.readAllLines(whole, StandardCharsets.UTF_8);
    JsonNode second = new ObjectMapper().readTree(lines.get(1));

    assertThat(lines).hasSize(10);
    assertThat(second.path("index").asInt()).isEqualTo(1);
    assertThat(second.path("query").asText()).contains("+");
    assertThat(second.path("completions")).hasSize(3);
    for (JsonNode completion : second.path("completions")) {
      assertThat(completion.path("tokens").asInt()).isBetween(1, 12);
      assertThat(completion.path("finish").asText()).isIn("length", "eos", "stop");
      assertThat(completion.path("reward").asDouble())
          .isEqualTo(
              completion.path("rewards").path(0).asDouble()
                  + 0.5 * completion.path("rewards").path(1).asDouble());
    }
  }

  @Test
  void aFileThatWasCutOffIsContinuedWithOtherTasks() throws IOException {
    Path file = directory.resolve("cut.jsonl");
    String all = Files.readString(whole, StandardCharsets.UTF_8);
    Files.writeString(file, all.substring(0, all.length() * 2 / 5), StandardCharsets.UTF_8);

    CommandRun.succeeding(rollouts(file, "--resume", "--records_per_task=2"));

    assertThat(file).hasSameBinaryContentAs(whole);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--limit=0 | --limit 0 must be at least 1",
        "--records_per_task=0 | --records_per_task 0 must be at least 1",
        "--device=cuda | --device cuda cannot be used: rollouts compute with packed weights on the"
            + " processor; leave it out",
      })
  void whatCannotWorkIsToldInOneLine(String option, String message) {
    Path file = directory.resolve("refused.jsonl");
    CommandRun run = CommandRun.of(rollouts(file, option));

    assertThat(run.err()).isEqualTo("bitnet: %s%n".formatted(message));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(file).doesNotExist();
  }

  @Test
  void aFileOfOtherOptionsIsNotContinued() throws IOException {
    Path file = Files.copy(whole, directory.resolve("other.jsonl"));
    CommandRun run = CommandRun.of(rollouts(file, "--resume", "--seed=1"));

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("were made with other options: --seed was 0, now 1");
    assertThat(file).hasSameBinaryContentAs(whole);
  }
}
