package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnergyRlTest {
  @TempDir private Path directory;

  @Test
  void trainedAgentIsPrintedBesideRandomAndOptimum() {
    CommandRun run =
        CommandRun.succeeding("energy-rl", "--episodes=100", "--max_steps=20", "--harvest_rate=3");

    assertThat(run.out().lines())
        .anyMatch(line -> line.matches("before training +-?[\\d.]+ ± [\\d.]+ .*"))
        .anyMatch(line -> line.matches("random policy +-?[\\d.]+ ± [\\d.]+ .*"))
        .anyMatch(line -> line.matches("after training +[\\d.]+ ± [\\d.]+ .*"))
        .anyMatch(line -> line.matches("optimum +[\\d.]+ expected.*reached: [\\d.]+ of it"));
  }

  @Test
  void everythingAtOnceAsJson() throws IOException {
    Path model = CommandRun.tinyModel(directory.resolve("model"));
    CommandRun run =
        CommandRun.succeeding(
            "energy-rl",
            "--json",
            "--plot",
            directory.resolve("plots"),
            "--schedule_inference",
            model,
            "--prompt=ROMEO:",
            "--tokens=12");

    assertThat(run.out().lines()).hasSize(1);
    JsonNode json = new ObjectMapper().readTree(run.out());
    double after = json.path("after").path("reward").doubleValue();
    assertThat(after)
        .isGreaterThan(json.path("before").path("reward").doubleValue())
        .isGreaterThan(json.path("random").path("reward").doubleValue());
    assertThat(json.path("reached").doubleValue())
        .isBetween(0.9, 1.03)
        .isCloseTo(after / json.path("optimum").doubleValue(), offset(1e-9));
    assertThat(json.path("training_rewards")).hasSize(100);
    assertThat(json.path("plots")).hasSize(2);
    for (JsonNode plot : json.path("plots")) {
      assertThat(ImageIO.read(Path.of(plot.asText()).toFile()).getWidth()).isGreaterThan(900);
    }
    JsonNode schedule = json.path("schedule");
    assertThat(schedule.path("tokens").intValue()).isEqualTo(schedule.path("compute").intValue());
    assertThat(schedule.path("computing_seconds").doubleValue()).isPositive();
    assertThat(schedule.path("source").asText()).matches("(SIMULATED, not |)measured: .*");
  }

  @Test
  void impossibleDeviceIsRefusedInOneLine() {
    CommandRun refused = CommandRun.of("energy-rl", "--compute-cost=10");

    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err().lines())
        .containsExactly(
            "bitnet: --compute_cost 10 is not below --max_energy 10, so no token could be computed; use"
                + " at most 9");
  }

  @Test
  void promptWithoutAModelIsRefused() {
    CommandRun refused = CommandRun.of("energy-rl", "--prompt=ROMEO:");

    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("--schedule_inference");
  }
}
