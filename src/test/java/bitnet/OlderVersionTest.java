package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.reward.RewardSpec;
import bitnet.reward.WeightedReward;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that version 0.1.0 wrote (resources/written-by-0.1.0) are read and resumed.
class OlderVersionTest {
  private static final Path WRITTEN = Path.of("resources/written-by-0.1.0");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  @BeforeEach
  void copyTheFiles() throws IOException {
    try (Stream<Path> files = Files.walk(WRITTEN)) {
      for (Path file : files.toList()) {
        Path target = directory.resolve(WRITTEN.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
  }

  private Object[] crossEntropy(Object... more) {
    Object[] args = {
      "train-ce",
      "--model_path=" + directory.resolve("blank"),
      "--dataset=" + directory.resolve("text.txt"),
      "--text_format=document",
      "--sampling=random",
      "--iters=4",
      "--batch_size=2",
      "--seq_len=32",
      "--lr=4e-3",
      "--eval_interval=2",
      "--log_interval=1",
      "--save_interval=2",
      "--dtype=fp32",
      "--threads=1",
      "--output_dir=" + directory.resolve("ce"),
    };
    return CommandRun.with(args, more);
  }

  private Object[] grpo(Object... more) {
    Object[] args = {
      "train-grpo",
      "--model_path=" + directory.resolve("ce"),
      "--dataset=" + directory.resolve("sums.jsonl"),
      "--eval_dataset=" + directory.resolve("sums-eval.jsonl"),
      "--reward_model",
      "f1",
      "length",
      "--steps=4",
      "--batch_size=2",
      "--group_size=2",
      "--max_length=8",
      "--two_layer",
      "--augmentation_size=2",
      "--correction_advantage=signed",
      "--kl=forward",
      "--log_interval=1",
      "--save_interval=2",
      "--eval_interval=2",
      "--temperature=0.9",
      "--dtype=fp32",
      "--threads=1",
      "--output_dir=" + directory.resolve("grpo"),
    };
    return CommandRun.with(args, more);
  }

  @ParameterizedTest
  @ValueSource(strings = {"blank", "ce", "reward-scalar/model", "reward-per-token/model"})
  void modelsAreValid(String model) {
    CommandRun run = CommandRun.succeeding("verify", "--model_path", directory.resolve(model));

    assertThat(run.out()).startsWith("verified");
  }

  @Test
  void logitsAreTheSame() throws IOException {
    JsonNode expected = JSON.readTree(directory.resolve("logits.json").toFile()).get("logits");

    CommandRun run =
        CommandRun.succeeding(
            "logits",
            "--model_path=" + directory.resolve("ce"),
            "--ids=70,105,114,115,116",
            "--threads=1",
            "--json");

    JsonNode logits = JSON.readTree(run.out()).get("logits");
    assertThat(logits).hasSize(5);
    for (int position = 0; position < expected.size(); position++) {
      for (int id = 0; id < expected.get(position).size(); id++) {
        assertThat(logits.get(position).get(id).asDouble())
            .isCloseTo(expected.get(position).get(id).asDouble(), within(1e-4));
      }
    }
  }

  @Test
  void crossEntropyRunIsResumedWithTheSameLosses() throws IOException {
    MetricsFile before = MetricsFile.read(directory.resolve("ce/metrics.csv"));

    CommandRun run = CommandRun.succeeding(crossEntropy("--resume=auto"));

    assertThat(run.out()).contains("step-00000002");
    MetricsFile after = MetricsFile.read(directory.resolve("ce/metrics.csv"));
    assertThat(after.column("step")).containsExactly("0", "1", "2", "3", "4");
    for (String name : List.of("loss", "grad_norm")) {
      for (int step = 1; step <= 4; step++) {
        assertThat(Double.parseDouble(after.column(name).get(step)))
            .as("%s of step %d", name, step)
            .isCloseTo(Double.parseDouble(before.column(name).get(step)), within(1e-4));
      }
    }
  }

  @Test
  void grpoRunOfTwoLayersIsResumedWithItsReplayBuffer() throws IOException {
    CommandRun run = CommandRun.succeeding(grpo("--resume=auto"));

    assertThat(run.out()).contains("step-00000002");
    MetricsFile log = MetricsFile.read(directory.resolve("grpo/metrics.csv"));
    assertThat(log.columns()).contains("corrected_1"); // the shares of this name in 0.1.0
    assertThat(log.column("corrected_1")).last().asString().matches("[01]\\.\\d+");
    assertThat(log.column("step")).containsExactly("0", "1", "2", "3", "4");
    assertThat(Double.parseDouble(log.column("buffer_size").getLast())).isGreaterThanOrEqualTo(1);
    assertThat(directory.resolve("grpo/model/manifest.json")).exists();
  }

  /// It was started without --guiding_prompt, whose default has changed since.
  @Test
  void grpoRunIsResumedWithItsOwnGuidingPromptOnly() {
    CommandRun run =
        CommandRun.of(grpo("--resume=auto", "--guiding_prompt=Review and correct the answer:"));

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err())
        .containsOnlyOnce("\n")
        .contains("was made with other options: the content of --guiding_prompt has changed");
    CommandRun.succeeding(grpo("--resume=auto", "--guiding_prompt= Check this and answer again."));
  }

  @ParameterizedTest
  @ValueSource(strings = {"reward-linear", "reward-scalar", "reward-per-token"})
  void rewardModelsGiveTheSameScores(String name) throws IOException {
    List<String> lines = Files.readAllLines(directory.resolve(name + ".jsonl"), UTF_8);
    assertThat(lines).isNotEmpty();
    try (WeightedReward reward =
        new RewardSpec(List.of(directory.resolve(name).toString()), List.of()).open()) {
      for (String line : lines) {
        JsonNode entry = JSON.readTree(line);
        assertThat(
                reward
                    .score(
                        entry.get("query").asText(),
                        entry.get("reference").asText(),
                        entry.get("completion").asText())
                    .outcome())
            .isCloseTo(entry.get("reward").asDouble(), within(1e-5));
      }
    }
  }
}
