package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `train-grpo` and `bench grpo`, from files to files.
class TrainGrpoTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path directory;
  private static Path questions;
  private static Path model;
  private static Path log;
  private static Path answers;
  private static CommandRun run;

  @BeforeAll
  static void trainWithTwoLayers() throws IOException {
    questions = directory.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data",
        "arithmetic",
        "--digits=1",
        "--count=12",
        "--no_reasoning",
        "--output",
        questions);
    model = directory.resolve("blank");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=96",
        "--layers=1",
        "--heads=1",
        "--tokenizer=bytes",
        "--context=128",
        "--output_dir",
        model);
    Path config =
        Files.writeString(
            directory.resolve("run.yaml"),
            """
            two_layer: true
            augmentation_size: 2
            batch_size: 5
            group_size: 3
            guiding_prompt: "?"
            reward_model: [f1, "length(2,4)"]
            reward_weights: [1, 0.5]
            """);
    log = directory.resolve("log.csv");
    answers = directory.resolve("answers.jsonl");
    run =
        CommandRun.succeeding(
            CommandRun.with(
                training("run"),
                "--config",
                config,
                "--batch_size=2",
                "--eval_dataset",
                questions,
                "--csv_log",
                log,
                "--completions_log",
                answers));
  }

  private static Object[] training(String name) {
    return new Object[] {
      "train-grpo",
      "--dataset",
      questions,
      "--model_path",
      model,
      "--output_dir",
      directory.resolve(name),
      "--steps=2",
      "--max_length=4",
      "--sample_interval=1",
      "--threads=1",
    };
  }

  @Test
  void theLogHasARowAStepWithEveryMetric() throws IOException {
    MetricsFile metrics = MetricsFile.read(log);

    assertThat(metrics.column("step")).containsExactly("0", "1", "2");
    assertThat(metrics.columns())
        .contains(
            "reward",
            "reward_std",
            "frac_reward_zero_std",
            "reward/f1",
            "reward/length_2_4_",
            "kl",
            "entropy",
            "clip_ratio_low",
            "clip_ratio_high",
            "completion_length_mean",
            "completion_length_min",
            "completion_length_max",
            "clipped_ratio",
            "num_tokens",
            "step_time",
            "grad_norm",
            "logp_mismatch",
            "generation_s",
            "forward_s",
            "backward_s",
            "repack_s",
            "t1",
            "t1_prime",
            "t2",
            "accepted_ratio_1",
            "accepted_ratio_2",
            "corrected_1",
            "corrected_2",
            "corrected_3",
            "eval_accuracy",
            "eval_t2")
        .doesNotContain("accepted_ratio_3");
    for (String name : List.of("reward", "kl", "entropy", "grad_norm", "t2", "logp_mismatch")) {
      assertThat(metrics.column(name).subList(1, 3)).as(name).doesNotContain("");
    }
  }

  /// The default verifier accepts what is right or has a higher reward than the first answer.
  @Test
  void theFirstAcceptedCorrectionsOfAStepStandInTheCsvLog() throws IOException {
    List<List<String>> accepted = new ArrayList<>();
    for (int step = 1; step <= 2; step++) {
      accepted.add(new ArrayList<>());
      Map<String, Double> firsts = new HashMap<>();
      for (String line : Files.readAllLines(answers)) {
        JsonNode answer = JSON.readTree(line);
        String question = answer.path("query").asText() + "\n";
        double reward = answer.path("reward").asDouble();
        if (answer.path("step").asInt() != step) {
          continue;
        }
        if (answer.path("layer").asInt() == 1) {
          firsts.put(question + answer.path("completion").asText(), reward);
        } else if (answer.path("right").asBoolean()
            || reward > firsts.get(question + answer.path("first").asText())) {
          accepted.getLast().add(answer.path("completion").asText());
        }
      }
    }
    assertThat(accepted.getFirst()).isNotEmpty();

    MetricsFile metrics = MetricsFile.read(log);
    for (int n = 1; n <= 3; n++) {
      List<String> column = metrics.column("corrected_" + n);
      assertThat(column).hasSize(3);
      assertThat(column.getFirst()).isEmpty();
      for (int step = 1; step <= 2; step++) {
        List<String> texts = accepted.get(step - 1);
        assertThat(column.get(step)).isEqualTo(n <= texts.size() ? texts.get(n - 1) : "");
      }
    }
    assertThat(MetricsFile.read(directory.resolve("run/metrics.csv")).columns())
        .contains("accepted_ratio_1")
        .doesNotContain("corrected_1");
    CommandRun report = CommandRun.of("report", log, "--output", directory.resolve("log.html"));
    assertThat(report.err()).isEmpty();
  }

  @Test
  void everyAnswerIsLoggedAndSomeAreShown() throws IOException {
    List<String> lines = Files.readAllLines(answers);

    // per step: 2 questions x 3 answers, and 2 corrections of each
    assertThat(lines).hasSize(2 * (6 + 12));
    JsonNode last = JSON.readTree(lines.getLast());
    assertThat(last.path("layer").asInt()).isEqualTo(2);
    assertThat(last.path("step").asInt()).isEqualTo(2);
    assertThat(run.out().lines())
        .anyMatch(line -> line.startsWith("step 0/2  held-out accuracy"))
        .anyMatch(line -> line.startsWith("step 2/2  reward"))
        .anyMatch(line -> line.strip().startsWith("corrected, reward"))
        .endsWith("wrote " + directory.resolve("run/model"));
  }

  @Test
  void theTrainedModelAnswers() {
    CommandRun.succeeding(
        "infer", "--model_path", directory.resolve("run"), "--prompt", "1+1=", "--max_length=2");
  }

  @Test
  void aRunIsResumedOnlyWhenAsked() {
    CommandRun again = CommandRun.of(training("run"));

    assertThat(again.exitCode()).isEqualTo(2);
    assertThat(again.err()).contains("already contains a run", "--resume auto");
  }

  @Test
  void optionsWithoutEffectAndUnknownNamesAreRefused() throws IOException {
    CommandRun oneLayer =
        CommandRun.of(CommandRun.with(training("other"), "--augmentation_size=2"));
    CommandRun reward = CommandRun.of(CommandRun.with(training("other"), "--reward_model", "best"));
    CommandRun weights =
        CommandRun.of(CommandRun.with(training("other"), "--reward_weights", "1", "2"));
    Path config = Files.writeString(directory.resolve("bad.yaml"), "group_sise: 4\n");
    CommandRun key = CommandRun.of(CommandRun.with(training("other"), "--config", config));

    assertThat(List.of(oneLayer, reward, weights, key))
        .allSatisfy(refused -> assertThat(refused.exitCode()).isEqualTo(2))
        .allSatisfy(refused -> assertThat(refused.err().lines()).hasSize(1));
    assertThat(oneLayer.err()).contains("--augmentation_size has no effect without --two_layer");
    assertThat(reward.err()).contains("\"best\" is unknown");
    assertThat(weights.err()).contains("2 --reward_weights", "1 --reward_model");
    assertThat(key.err()).contains("group_sise", "train-grpo");
    assertThat(directory.resolve("other/checkpoints")).doesNotExist();
  }

  private static CommandRun guided(String name, Object... options) {
    return CommandRun.of(
        CommandRun.with(
            CommandRun.with(training(name), "--batch_size=1", "--group_size=2", "--two_layer"),
            options));
  }

  @Test
  void guidingPromptsAreScheduledByTheirIndices() throws IOException {
    Path phrases = Files.writeString(directory.resolve("phrases.txt"), "Sure?\nCheck.\n");
    Object[] prompts = {"--guiding_prompt", "Again.", phrases, "--guiding_probabilities=1,0,0"};

    CommandRun trained =
        guided("scheduled", CommandRun.with(prompts, "--guiding_schedule", "0", "2", "1"));

    assertThat(trained.err()).isEmpty();
    CommandRun resumed =
        guided(
            "scheduled", CommandRun.with(prompts, "--guiding_schedule", "0", "2", "--resume=auto"));
    assertThat(resumed.err()).contains("the content of --guiding_prompt has changed");
  }

  @Test
  void guidingSchedulesThatCannotBeMeantAreRefused() throws IOException {
    Path phrases = Files.writeString(directory.resolve("phrases.txt"), "Sure?\nCheck.\n");

    assertThat(guided("refused", "--guiding_schedule", "0", "1").err())
        .isEqualTo(
            "bitnet: --guiding_schedule has the index 1, but there is 1 guiding prompt; use 0\n");
    assertThat(guided("refused", "--guiding_schedule", "none.txt").err())
        .isEqualTo(
            "bitnet: --guiding_schedule \"none.txt\" is not an index;"
                + " give whole numbers from 0, like --guiding_schedule 0 2 1\n");
    assertThat(guided("refused", "--guiding_prompt=A", "--guiding_schedule=" + phrases).err())
        .contains("is a file of phrases, but --guiding_prompt has phrases too");
    assertThat(guided("refused", "--guiding_probabilities=-1").err())
        .contains("--guiding_probabilities [-1.0] are not weights");
    assertThat(guided("former", "--guiding_schedule=" + phrases).err()).isEmpty();
  }

  @Test
  void theBenchmarkSaysWhatAStepIsSpentOn() throws IOException {
    CommandRun bench =
        CommandRun.succeeding(
            "bench",
            "grpo",
            "--json",
            "--hidden_size=64",
            "--layers=1",
            "--intermediate_size=64",
            "--vocab_size=256",
            "--batch_size=2",
            "--group_size=2",
            "--max_length=4",
            "--steps=1",
            "--threads=1");

    JsonNode json = JSON.readTree(bench.out());
    double parts = 0;
    for (String part : List.of("rollout_s", "reward_s", "reference_s", "update_s", "repack_s")) {
      assertThat(json.path(part).asDouble()).as(part).isPositive();
      parts += json.path(part).asDouble();
    }
    assertThat(parts).isLessThanOrEqualTo(json.path("step_s").asDouble());
    assertThat(json.path("rollout_tok_s").asDouble()).isPositive();
  }
}
