package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// lm-evaluation-harness as a client of `bitnet serve`, which must see the model that `bitnet
/// evaluate` sees.
class ServedHarnessTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path QUESTIONS = Path.of("resources/lm-eval").toAbsolutePath();
  private static final Path MODEL = Path.of("resources/written-by-0.1.0/ce");
  private static final Path PYTHON =
      Path.of(
          Optional.ofNullable(System.getenv("BITNET_ORACLE_PYTHON"))
              .orElse(System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python"));

  /// Both add up to fifty numbers in double precision, in another order.
  private static final double NATS = 1e-9;

  @TempDir private Path directory;

  @Test
  void theHarnessMeasuresOverHttpWhatEvaluateMeasures() throws Exception {
    assumeTrue(
        hasHarness(),
        ("no lm-evaluation-harness in %s; make a Python as CONTRIBUTING.md says, then pip install"
                + " lm-eval")
            .formatted(PYTHON));
    Path log = directory.resolve("log");
    Process server =
        CommandRun.start(
            log, "serve", "--model_path", MODEL, "--port=0", "--lm_head=fp32", "--kv_cache=fp32");
    ScriptRun harness;
    try {
      String url = ServeTest.address(server, log).replaceAll("/v1$", "");
      harness =
          ScriptRun.in(
              directory,
              Map.of("TORCHDYNAMO_DISABLE", "1"),
              PYTHON.toString(),
              QUESTIONS.resolve("served.py").toString(),
              url,
              QUESTIONS.toString());
    } finally {
      server.destroyForcibly().waitFor();
    }
    assertThat(harness.exitCode()).as(harness.err()).isZero();
    JsonNode served = JSON.readTree(harness.out().lines().toList().getLast());
    for (String task : List.of("hellaswag", "arc")) {
      assertSame(task, served.path(task));
    }
  }

  private static boolean hasHarness() throws IOException, InterruptedException {
    return Files.isExecutable(PYTHON)
        && new ProcessBuilder(PYTHON.toString(), "-c", "import lm_eval.api.task")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor()
            == 0;
  }

  private void assertSame(String task, JsonNode served) throws IOException {
    Path samples = directory.resolve(task + ".jsonl");
    CommandRun run =
        CommandRun.succeeding(
            "evaluate",
            "--task=choice",
            "--dataset=" + QUESTIONS.resolve(task + ".jsonl"),
            "--ce_model=" + MODEL,
            "--samples_file=" + samples,
            "--lm_head=fp32",
            "--kv_cache=fp32",
            "--json");
    JsonNode figures = JSON.readTree(run.out()).at("/models/ce");
    for (String metric : List.of("acc", "acc_norm", "acc_bytes")) {
      assertThat(served.path(metric).doubleValue())
          .as("%s %s", task, metric)
          .isEqualTo(figures.path(metric).path("value").doubleValue());
    }
    List<String> lines = Files.readAllLines(samples);
    JsonNode sums = served.path("log_likelihoods");
    assertThat(sums).hasSameSizeAs(lines);
    for (int i = 0; i < lines.size(); i++) {
      JsonNode ours = JSON.readTree(lines.get(i)).path("log_probabilities");
      assertThat(sums.get(i)).hasSameSizeAs(ours);
      for (int j = 0; j < ours.size(); j++) {
        assertThat(sums.get(i).get(j).doubleValue())
            .as("%s, question %d, choice %d", task, i, j)
            .isCloseTo(ours.get(j).doubleValue(), offset(NATS));
      }
    }
  }
}
