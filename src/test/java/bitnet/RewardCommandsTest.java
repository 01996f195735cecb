package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Reward models are trained from judged answers.
class RewardCommandsTest {
  private static final List<String> THINGS =
      List.of("train", "soup", "film", "hotel", "book", "garden", "song", "shoe", "lamp", "park");

  @TempDir private Path directory;

  private static List<Double> numbers(CommandRun run, String pattern) {
    return Pattern.compile(pattern)
        .matcher(run.out())
        .results()
        .map((MatchResult found) -> Double.valueOf(found.group(1)))
        .toList();
  }

  private Path pairs() throws IOException {
    List<String> lines = new ArrayList<>();
    for (String thing : THINGS) {
      lines.add(
          "{\"query\": \"How was the %s?\", \"chosen\": \"The %s was good.\", \"rejected\": \"Go away.\"}"
              .formatted(thing, thing));
    }
    return Files.write(directory.resolve("pairs.jsonl"), lines);
  }

  @Test
  void theDemoScoresEveryRightAnswerHigher() {
    CommandRun run = CommandRun.succeeding("simple-reward", "--epochs", "100", "--lr", "0.1");

    List<Double> right = numbers(run, " +(\\S+)  right  ");
    List<Double> wrong = numbers(run, " +(\\S+)  wrong  ");
    assertThat(right).hasSizeGreaterThan(3).hasSameSizeAs(wrong);
    for (int i = 0; i < right.size(); i++) {
      assertThat(right.get(i)).isGreaterThan(wrong.get(i));
    }
  }

  @Test
  void aRewardModelIsTrainedJudgedOnWhatItHasNotSeenAndSaved() throws IOException {
    Path model = directory.resolve("reward");

    CommandRun run =
        CommandRun.succeeding(
            "train-reward", "--dataset", pairs(), "--eval_fraction=0.3", "--output-dir", model);

    assertThat(run.out()).contains("data: 10 records, 3 of them held out", "wrote " + model);
    assertThat(numbers(run, "held out (\\S+)%")).containsExactly(100.0);
    assertThat(numbers(run, "loss (\\S+)").getLast()).isLessThan(0.5);
    assertThat(model.resolve("reward.safetensors")).exists();
    CommandRun again = CommandRun.of("train-reward", "--dataset", pairs(), "--output_dir", model);
    assertThat(again.err().lines()).singleElement().asString().contains("--force");
    CommandRun.succeeding("train-reward", "--dataset", pairs(), "--output_dir", model, "--force");
  }

  @ParameterizedTest
  @ValueSource(strings = {"scalar", "per_token"})
  void aTransformerIsTrainedToo(String head) throws IOException {
    Path model = directory.resolve("reward");

    CommandRun run =
        CommandRun.succeeding(
            "train-reward",
            "--dataset",
            pairs(),
            "--model=transformer",
            "--model_path",
            CommandRun.tinyModel(directory.resolve("blank")),
            "--reward_head",
            head,
            "--eval_fraction=0.2",
            "--batch_size=4",
            "--epochs=4",
            "--threads=1",
            "--output_dir",
            model);

    assertThat(run.out()).contains("step 8/8  loss ", "wrote " + model);
    assertThat(numbers(run, "held out (\\S+)%")).singleElement().isEqualTo(100.0);
    assertThat(model.resolve("model/master.safetensors")).exists();
    assertThat(model.resolve("head/reward.safetensors")).exists();
  }

  private Object[] transformer(Path blank, Path run, Object... more) throws IOException {
    Object[] args = {
      "train-reward",
      "--dataset=" + pairs(),
      "--model_type=transformer",
      "--model_path=" + blank,
      "--epochs=1",
      "--threads=1",
      "--output_dir=" + run,
    };
    return CommandRun.with(args, more);
  }

  @Test
  void aFinishedTransformerRunIsWrittenAgainByResumeAndNotByAnythingElse() throws IOException {
    Path blank = CommandRun.tinyModel(directory.resolve("blank"));
    Path run = directory.resolve("run");
    CommandRun.succeeding(transformer(blank, run));
    Path head = run.resolve("head/reward.safetensors");
    byte[] weights = Files.readAllBytes(head);
    // as after a kill between the two parts of the result
    Files.move(head.getParent(), directory.resolve("lost"));

    CommandRun again = CommandRun.of(transformer(blank, run));
    CommandRun linear = CommandRun.of("train-reward", "--dataset", pairs(), "--output_dir", run);
    CommandRun resumed = CommandRun.of(transformer(blank, run, "--resume=auto"));

    assertThat(again.err()).contains("already contains a run", "--resume auto");
    assertThat(linear.exitCode()).isEqualTo(2);
    assertThat(linear.out()).as("refused before it trains").isEmpty();
    assertThat(linear.err()).contains("already exists", "another --output_dir");
    assertThat(resumed.exitCode()).as(resumed.err()).isZero();
    assertThat(head).hasBinaryContent(weights);
  }

  @ParameterizedTest
  @CsvSource({
    "--dataset=@/none.jsonl, 1, none.jsonl: no such file",
    "--dataset=@/bad.jsonl, 2, bad.jsonl:1: the record has no field \"rejected\"",
    "--eval_fraction=1, 2, eval_fraction 1.0 is not from 0 to below 1",
    "--epochs=0, 2, epochs 0 must be at least 1",
    "--lr=0, 2, --lr 0.0 is not a finite number above 0",
    "--model=forest, 2, model \"forest\" is unknown; use linear or transformer",
    "--model_type=transformer, 2, --model_type transformer needs --model_path",
    "--reward_head=per_token, 2, --reward_head has no effect on the linear model",
    "--threads=1, 2, --threads has no effect on the linear model",
    "--on_bad_record=ask, 2, on_bad_record \"ask\" is unknown",
  })
  void oneLineSaysWhatIsWrong(String option, int exitCode, String said) throws IOException {
    Files.writeString(directory.resolve("bad.jsonl"), "{\"query\": \"q\", \"chosen\": \"a\"}");
    List<Object> args =
        new ArrayList<>(List.of("train-reward", "--output_dir", directory.resolve("new")));
    if (!option.startsWith("--dataset")) {
      args.add("--dataset=" + pairs());
    }
    args.add(option.replace("@", directory.toString()));

    CommandRun run = CommandRun.of(args.toArray());

    assertThat(run.err().lines()).singleElement().asString().startsWith("bitnet: ").contains(said);
    assertThat(run.exitCode()).isEqualTo(exitCode);
    assertThat(directory.resolve("new")).doesNotExist();
  }
}
