package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchInferTest {
  @TempDir private Path directory;

  @Test
  void jsonHoldsTheSpeedsAndWhatLimitsThem() throws IOException {
    JsonNode json = new ObjectMapper().readTree(bench("--batch_size=2", "--json"));

    assertThat(json.path("shape").textValue()).isEqualTo(model().toString());
    assertThat(json.path("threads").intValue()).isEqualTo(1);
    assertThat(json.path("kernel").textValue()).startsWith("scalar, 1 thread");
    assertThat(json.path("batch").intValue()).isEqualTo(2);
    for (String key :
        new String[] {
          "load_s",
          "prefill_tok_s",
          "decode_tok_s",
          "batch_tok_s",
          "bandwidth_gb_s",
          "read_bandwidth_gb_s",
          "kernel_gb_s",
          "peak_rss_mib"
        }) {
      assertThat(json.path(key).isNumber()).as(key).isTrue();
      assertThat(json.path(key).doubleValue()).as(key).isPositive();
    }
  }

  @Test
  void linesSayTheSame() throws IOException {
    assertThat(bench())
        .containsPattern("prefill [0-9.]+ tok/s, decode [0-9.]+ tok/s")
        .containsPattern("from memory, its kernel [0-9.]+ GB/s from cache: [0-9]+% of the lower")
        .doesNotContain("batch of");
  }

  private String bench(String... options) {
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=32",
        "--intermediate_size=64",
        "--layers=1",
        "--heads=2",
        "--tokenizer=bytes",
        "--context=64",
        "--output_dir",
        model());
    List<Object> args =
        new ArrayList<>(
            List.of("bench", "infer", "--model_path", model(), "--threads=1", "--kernel=scalar"));
    args.addAll(List.of("--prompt_tokens=8", "--max_length=4"));
    args.addAll(List.of(options));
    return CommandRun.succeeding(args.toArray()).out();
  }

  private Path model() {
    return directory.resolve("model");
  }
}
