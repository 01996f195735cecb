package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A run is not resumed on data or models whose content has changed, also where names and sizes
/// are the same.
class ChangedContentTest {
  @TempDir private Path directory;
  private Path model;

  @BeforeEach
  void makeModel() {
    model = CommandRun.tinyModel(directory.resolve("blank"));
  }

  private Path questions(String name, int... numbers) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int number : numbers) {
      lines.append("{\"query\": \"%d+1\", \"answer\": \"%d\"}%n".formatted(number, number + 1));
    }
    return Files.writeString(directory.resolve(name), lines.toString(), UTF_8);
  }

  private static void edit(Path file, String from, String to) throws IOException {
    String text = Files.readString(file, UTF_8);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to), UTF_8);
  }

  /// The only line on standard error.
  private static String refusal(Object... args) {
    CommandRun run = CommandRun.of(CommandRun.with(args, "--resume=auto"));
    assertThat(run.exitCode()).as(run.out()).isEqualTo(2);
    return run.err().lines().findFirst().orElseThrow();
  }

  @Test
  void crossEntropyComparesTrainingAndHeldOutData() throws IOException {
    Path data = questions("data.jsonl", 1, 2, 3, 4);
    Path heldOut = questions("eval.jsonl", 5, 6);
    Object[] training = {
      "train-ce",
      "--model_path=" + model,
      "--dataset=" + data,
      "--eval_dataset=" + heldOut,
      "--packing=records",
      "--seq_len=48",
      "--iters=2",
      "--batch_size=1",
      "--save_interval=1",
      "--threads=1",
      "--output_dir=" + directory.resolve("run"),
    };
    CommandRun.succeeding(training);
    CommandRun.succeeding(CommandRun.with(training, "--resume=auto"));

    edit(data, "3+1", "7+1");
    assertThat(refusal(training)).contains("other options: the content of dataset has changed;");
    edit(data, "7+1", "3+1");
    edit(heldOut, "5+1", "7+1");
    assertThat(refusal(training))
        .contains("other options: the content of held_out_data has changed;");

    training[3] = "--eval_fraction=0";
    CommandRun.succeeding(CommandRun.with(training, "--resume=auto"));
  }

  @Test
  void rewardModelTrainingComparesTrainingAndHeldOutData() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 1; i < 5; i++) {
      lines.append("{\"query\": \"q%d\", \"chosen\": \"a\", \"rejected\": \"b\"}%n".formatted(i));
    }
    Path data = Files.writeString(directory.resolve("pairs.jsonl"), lines.toString(), UTF_8);
    Object[] training = {
      "train-reward",
      "--model_type=transformer",
      "--model_path=" + model,
      "--dataset=" + data,
      "--eval_fraction=0.5",
      "--epochs=1",
      "--threads=1",
      "--output_dir=" + directory.resolve("run"),
    };
    CommandRun.succeeding(training);

    StringBuilder refusals = new StringBuilder();
    for (int i = 1; i < 5; i++) {
      edit(
          data,
          "\"q%d\", \"chosen\": \"a\"".formatted(i),
          "\"q%d\", \"chosen\": \"c\"".formatted(i));
      refusals.append(refusal(training));
      edit(
          data,
          "\"q%d\", \"chosen\": \"c\"".formatted(i),
          "\"q%d\", \"chosen\": \"a\"".formatted(i));
    }
    assertThat(refusals)
        .contains(
            "the content of dataset has changed;", "the content of held_out_data has changed;");
    CommandRun.succeeding(CommandRun.with(training, "--resume=auto"));
  }

  private void trainReward(Path rewardModel, String chosen, String rejected) throws IOException {
    Path pairs =
        Files.writeString(
            directory.resolve("pairs.jsonl"),
            "{\"query\": \"q\", \"chosen\": \"%s\", \"rejected\": \"%s\"}%n"
                .formatted(chosen, rejected),
            UTF_8);
    CommandRun.succeeding(
        "train-reward",
        "--dataset=" + pairs,
        "--eval_fraction=0",
        "--epochs=1",
        "--force",
        "--output_dir=" + rewardModel);
  }

  private void makeModel(String seed) {
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=192",
        "--layers=2",
        "--heads=1",
        "--tokenizer=bytes",
        "--context=64",
        "--force",
        seed,
        "--output_dir=" + model);
  }

  @Test
  void grpoComparesQuestionsRewardModelAndTheModelOfItsReference() throws IOException {
    makeModel("--seed=1");
    Path data = questions("data.jsonl", 1, 2);
    Path heldOut = questions("eval.jsonl", 5);
    Path reward = directory.resolve("reward");
    trainReward(reward, "good", "bad");
    Object[] training = {
      "train-grpo",
      "--model_path=" + model,
      "--dataset=" + data,
      "--eval_dataset=" + heldOut,
      "--reward_model=" + reward,
      "--steps=1",
      "--batch_size=2",
      "--group_size=2",
      "--max_length=4",
      "--beta=0.1",
      "--threads=1",
      "--output_dir=" + directory.resolve("run"),
    };
    CommandRun.succeeding(training);
    CommandRun.succeeding(CommandRun.with(training, "--resume=auto"));

    edit(data, "2+1", "7+1");
    assertThat(refusal(training)).contains("other options: the content of dataset has changed;");
    edit(data, "7+1", "2+1");
    edit(heldOut, "5+1", "7+1");
    assertThat(refusal(training))
        .contains("other options: the content of held_out_data has changed;");
    edit(heldOut, "7+1", "5+1");
    trainReward(reward, "bad", "good");
    assertThat(refusal(training))
        .contains("other options: the content of --reward_model " + reward + " has changed;");
    trainReward(reward, "good", "bad");
    makeModel("--seed=2");
    assertThat(refusal(training))
        .contains("other options: the content of --model_path has changed;");
    makeModel("--seed=1");
    CommandRun.succeeding(CommandRun.with(training, "--resume=auto"));
  }

  @Test
  void grpoWithoutReferenceDoesNotDependOnTheModelItBeganWith() throws IOException {
    Object[] training = {
      "train-grpo",
      "--model_path=" + model,
      "--dataset=" + questions("data.jsonl", 1, 2),
      "--steps=1",
      "--batch_size=2",
      "--group_size=2",
      "--max_length=4",
      "--beta=0",
      "--threads=1",
      "--output_dir=" + directory.resolve("run"),
    };
    CommandRun.succeeding(training);
    makeModel("--seed=2");

    CommandRun.succeeding(CommandRun.with(training, "--resume=auto"));
  }

  @Test
  void evaluationComparesTheWeightsOfHuggingFaceModels() throws IOException {
    Path converted = directory.resolve("hf");
    CommandRun.succeeding("convert", "--from=" + model, "--format=hf-online", "--to=" + converted);
    Path samples = directory.resolve("samples.jsonl");
    Object[] evaluation = {
      "evaluate",
      "--dataset=" + questions("data.jsonl", 1, 2),
      "--ce_model=" + converted,
      "--max_length=4",
      "--threads=1",
      "--samples=" + samples,
    };
    CommandRun.succeeding(evaluation);
    CommandRun.succeeding(CommandRun.with(evaluation, "--resume"));

    try (RandomAccessFile weights =
        new RandomAccessFile(converted.resolve("model.safetensors").toFile(), "rw")) {
      weights.seek(weights.length() - 2);
      int last = weights.read();
      weights.seek(weights.length() - 2);
      weights.write(last ^ 1);
    }
    CommandRun other = CommandRun.of(CommandRun.with(evaluation, "--resume"));
    assertThat(other.err())
        .contains(
            "the samples of ce were made with other options: the content of model has changed;");
    evaluation[3] = "--max_length=5";
    CommandRun longer = CommandRun.of(CommandRun.with(evaluation, "--resume", "--seed=3"));
    assertThat(longer.err()).contains("--max_length was 4, now 5, --seed was 0, now 3");
  }
}
