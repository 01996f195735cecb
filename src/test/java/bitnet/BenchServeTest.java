package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.server.ServeBenchmark;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BenchServeTest {
  @TempDir private Path directory;

  private Path model;

  @BeforeEach
  void make() {
    model = CommandRun.tinyModel(directory.resolve("model"));
  }

  private String bench(String... options) {
    List<Object> arguments =
        new ArrayList<>(
            List.of(
                "bench",
                "serve",
                "--model_path",
                model,
                "--threads=1",
                "--slots=4",
                "--clients=6",
                "--requests=12",
                "--prompt_tokens=20",
                "--max_length=16"));
    arguments.addAll(List.of(options));
    return CommandRun.succeeding(arguments.toArray()).out();
  }

  @Test
  void percentileOfNothingIsNotANumber() {
    assertThat(ServeBenchmark.Result.percentile(List.of(), 0.5)).isNaN();
    assertThat(ServeBenchmark.Result.percentile(List.of(1.0, 2.0, 3.0, 4.0), 0.5)).isEqualTo(2);
    assertThat(ServeBenchmark.Result.percentile(List.of(1.0, 2.0, 3.0, 4.0), 0.99)).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"bench serve", "serve"})
  void aGpuIsRefused(String command) {
    List<Object> arguments = new ArrayList<>(List.of((Object[]) command.split(" ")));
    arguments.addAll(List.of("--model_path", model, "--device=cuda"));

    assertThat(CommandRun.of(arguments.toArray()).err())
        .isEqualTo(
            "bitnet: --device cuda cannot be used: %s computes with packed weights on the processor; leave it out%n"
                .formatted(command));
  }

  @Test
  void jsonHoldsTheSpeedsAndTheLatencies() throws IOException {
    JsonNode json = new ObjectMapper().readTree(bench("--json"));

    assertThat(json.path("disconnected").intValue()).isZero();
    for (String key :
        List.of(
            "served_tok_s",
            "engine_tok_s",
            "ratio",
            "first_token_p50_s",
            "first_token_p99_s",
            "between_tokens_p50_s",
            "between_tokens_p99_s")) {
      assertThat(json.path(key).doubleValue()).as(key).isPositive();
    }
    assertThat(json.path("first_token_p99_s").doubleValue())
        .isGreaterThanOrEqualTo(json.path("first_token_p50_s").doubleValue());
  }

  @Test
  void clientsThatLeaveAreCounted() {
    assertThat(bench("--disconnects=1"))
        .containsPattern(
            "6 clients, 12 requests of 20 \\+ 16 tokens, [1-9][0-9]? left in the middle")
        .containsPattern("tok/s over HTTP, [0-9]+ tok/s of the engine without it: [0-9.]+");
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    CommandRun run = CommandRun.of("bench", "serve", "--model_path", model, "--disconnects=1.5");

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("--disconnects 1.5 is not from 0 to 1");
  }
}
