package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.checkpoint.ModelSource;
import bitnet.reward.RewardSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SparkTrainGrpoTest {
  private static final Object[] SMALL = {
    "--steps=3",
    "--batch_size=3",
    "--group_size=3",
    "--max_length=6",
    "--lr=1e-3",
    "--save_interval=2",
    "--keep=2",
    "--start_answers=6",
    "--dtype=fp32",
    "--threads=1",
  };

  @TempDir private static Path shared;
  @TempDir private Path directory;
  private static Path model;
  private static Path sums;

  @BeforeAll
  static void make() throws IOException {
    model = shared.resolve("model");
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
    sums = shared.resolve("sums.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=12", "--no_reasoning", "--output", sums);
    Path pairs = shared.resolve("pairs.jsonl");
    Files.writeString(
        pairs, "{\"query\": \"1+1=\", \"chosen\": \"2\", \"rejected\": \"3\"}\n".repeat(10));
    CommandRun.succeeding(
        "train-reward",
        "--dataset=" + pairs,
        "--model=transformer",
        "--model_path=" + model,
        "--reward_head=per_token",
        "--eval_fraction=0",
        "--epochs=1",
        "--threads=1",
        "--output_dir=" + shared.resolve("reward"));
  }

  private static Object[] training(Path output, String options) {
    String given = options.replace("SHARED", shared.toString());
    return CommandRun.with(
        CommandRun.with(SMALL, (Object[]) given.split(" ")),
        "--dataset=" + sums,
        "--model_path=" + model,
        "--output_dir=" + output,
        "--completions_log=" + output + ".jsonl");
  }

  private Path local(String options) {
    Path output = directory.resolve("local");
    CommandRun.succeeding(CommandRun.with(new Object[] {"train-grpo"}, training(output, options)));
    return output;
  }

  private static CommandRun spark(Path output, String options) {
    return CommandRun.of(
        CommandRun.with(new Object[] {"spark", "train-grpo"}, training(output, options)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 | model | --reward_model=SHARED/reward --beta=0.1 --ref_sync=1",
        "2 | adapter | --reward_model=random --lora_rank=4 --lora_norms --lora_dropout=0.1",
        "3 | model | --reward_model=random --two_layer --augmentation_size=2 --guiding_prompt=?"
            + " --t1_prime --replay_size=2 --min_informative_groups=3 --max_rollout_batches=3"
            + " --overlong_buffer=2 --eval_dataset=SHARED/sums.jsonl --eval_interval=2"
            + " --eval_samples=2",
      })
  void completionsOfExecutorsGiveTheRunOfThisProcess(int tasks, String written, String options)
      throws IOException {
    Path expected = local(options);
    Path actual = directory.resolve("spark");
    CommandRun run = spark(actual, options + " --master=local[2] --rollout_tasks=" + tasks);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).containsPattern("step 1/3 .* s \\(rollouts .*\\)  broadcast [\\d,]+ by");
    CommandRun.assertEqualModels(actual.resolve(written), expected.resolve(written));
    assertThat(Path.of(actual + ".jsonl")).hasSameBinaryContentAs(Path.of(expected + ".jsonl"));
    assertThat(metrics(actual)).isEqualTo(metrics(expected)).hasSizeGreaterThan(3);
  }

  /// The rows of the log without the columns of times.
  private static List<List<String>> metrics(Path run) throws IOException {
    List<String> lines = Files.readAllLines(run.resolve("metrics.csv"));
    String[] header = lines.getFirst().split(",", -1);
    List<List<String>> rows = new ArrayList<>();
    for (String line : lines) {
      String[] values = line.split(",", -1);
      List<String> row = new ArrayList<>();
      for (int i = 0; i < header.length; i++) {
        if (!header[i].endsWith("_s") && !header[i].equals("step_time")) {
          row.add(values[i]);
        }
      }
      rows.add(row);
    }
    return rows;
  }

  @Test
  void aRunOfThisProcessIsResumedWithExecutors() throws IOException {
    String options = "--reward_model=random";
    Path expected = local(options);
    Path actual = directory.resolve("spark");
    Path checkpoint = expected.resolve("checkpoints/step-00000002");
    CommandRun run = spark(actual, options + " --master=local[2] --resume=" + checkpoint);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("resumed: ").doesNotContain("step 2/3");
    CommandRun.assertEqualModels(actual.resolve("model"), expected.resolve("model"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gone | com.example.Mine | gone: no such file or directory; executors need",
        "model | com.example.Mine | reward class com.example.Mine is not on the class path",
        "model | SHARED/reward | SHARED/reward] are others than the driver's; copy them again",
        "reward/model | f1 | reward/model is another one than the driver's; copy it again",
      })
  void anExecutorNamesWhatItDoesNotHave(String place, String reward, String message)
      throws IOException {
    try (ModelSource source = ModelSource.open(model)) {
      RolloutSetup setup =
          new RolloutSetup(
              "id",
              shared.resolve(place).toString(),
              place.equals("model") ? source.weights().config().toString() : "another",
              null,
              Set.of(),
              new RewardSpec(List.of(reward.replace("SHARED", shared.toString())), List.of()),
              List.of("what the driver's has learned"),
              1,
              "auto");
      RolloutTask task = new RolloutTask(JsonBytes.of(setup), noPolicy(), new byte[0]);

      assertThatThrownBy(task::run)
          .isInstanceOf(TaskRefusal.class)
          .hasMessageStartingWith("this process: ")
          .hasMessageContaining(message.replace("SHARED", shared.toString()));
    }
  }

  /// What refuses before it reads a policy needs none.
  @SuppressWarnings("NullAway")
  private static RolloutTask.Policy noPolicy() {
    return new RolloutTask.Policy(0, null, null);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--master=none | --master none is not the address of a Spark master; use local[2],"
            + " spark://HOST:7077, yarn or k8s://https://HOST:PORT",
        "--rollout_tasks=0 | --rollout_tasks 0 must be at least 1",
      })
  void whatCannotWorkIsToldInOneLine(String option, String message) {
    Path output = directory.resolve("refused");
    CommandRun run = spark(output, option);

    assertThat(run.err()).isEqualTo("bitnet: %s%n".formatted(message));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(output).doesNotExist();
  }
}
