package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class BenchTrainTest {
  @Test
  void jsonHoldsTheSpeedItsPartsAndTheLimit() throws IOException {
    CommandRun run =
        CommandRun.succeeding(
            "bench",
            "train",
            "--json",
            "--hidden_size=64",
            "--layers=1",
            "--intermediate_size=128",
            "--vocab_size=64",
            "--batch_size=2",
            "--seq_len=16",
            "--steps=2",
            "--threads=1");

    assertThat(run.out().lines()).hasSize(1);
    JsonNode json = new ObjectMapper().readTree(run.out());
    for (String key :
        new String[] {
          "tok_s",
          "ms_per_step",
          "forward_ms",
          "backward_ms",
          "optimizer_ms",
          "peak_rss_mib",
          "roofline_gflops",
          "fraction"
        }) {
      assertThat(json.path(key).isNumber()).as(key).isTrue();
      assertThat(json.path(key).doubleValue()).as(key).isPositive();
    }
    double step = json.path("ms_per_step").doubleValue();
    assertThat(json.path("tok_s").doubleValue() * step / 1000).isBetween(31.9, 32.1);
    assertThat(
            json.path("forward_ms").doubleValue()
                + json.path("backward_ms").doubleValue()
                + json.path("optimizer_ms").doubleValue())
        .isBetween(0.99 * step, 1.01 * step);
    assertThat(json.path("fraction").doubleValue()).isLessThan(1);
  }
}
