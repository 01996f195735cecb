package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What lm-evaluation-harness says of the same questions and the same model in transformers
/// (resources/lm-eval/make.py).
class LmEvaluationHarnessTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path MADE = Path.of("resources/lm-eval");

  /// Sums of up to fifty logarithms, where transformers rounds in another order.
  private static final double NATS = 1e-3;

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"hellaswag", "arc"})
  void choicesAndLogLikelihoodsAreThoseOfTheHarness(String task) throws IOException {
    JsonNode expected = JSON.readTree(MADE.resolve("expected.json").toFile()).at("/tasks/" + task);
    Path samples = directory.resolve("samples.jsonl");

    CommandRun run =
        CommandRun.succeeding(
            "evaluate",
            "--task=choice",
            "--dataset=" + MADE.resolve(task + ".jsonl"),
            "--ce_model=resources/written-by-0.1.0/ce",
            "--samples_file=" + samples,
            "--lm_head=fp32",
            "--kv_cache=fp32",
            "--json");

    JsonNode figures = JSON.readTree(run.out()).at("/models/ce");
    for (String metric : List.of("acc", "acc_norm", "acc_bytes")) {
      assertThat(figures.path(metric).path("value").doubleValue())
          .as(metric)
          .isEqualTo(expected.path(metric).doubleValue());
    }
    List<String> lines = Files.readAllLines(samples);
    JsonNode wanted = expected.path("log_likelihoods");
    assertThat(lines).hasSize(wanted.size());
    for (int i = 0; i < lines.size(); i++) {
      JsonNode found = JSON.readTree(lines.get(i)).path("log_probabilities");
      assertThat(found).hasSameSizeAs(wanted.get(i));
      for (int j = 0; j < found.size(); j++) {
        assertThat(found.get(j).doubleValue())
            .as("question %d, choice %d", i, j)
            .isCloseTo(wanted.get(i).get(j).doubleValue(), offset(NATS));
      }
    }
  }
}
