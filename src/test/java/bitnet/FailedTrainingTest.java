package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Runs that learn nothing, or ruin the weights.
class FailedTrainingTest {
  private static final int FAILURE = 1;
  private static final int USAGE = 2;
  private static final String SHORT = "{\"query\": \"1+1=\", \"answer\": \"2\"}\n";
  private static final String LONG =
      "{\"query\": \"%s\", \"answer\": \"4\"}\n".formatted("x".repeat(300));

  @TempDir private static Path directory;
  private static Path text;
  private static Path model;

  @BeforeAll
  static void makeInputs() throws IOException {
    text = CommandRun.someText(directory.resolve("text.txt"));
    model = CommandRun.tinyModel(directory.resolve("blank"));
  }

  private static CommandRun train(Path run, Object... more) {
    Object[] args = {
      "train-ce",
      "--model_path=" + model,
      "--output_dir=" + run,
      "--batch_size=1",
      "--seq_len=16",
      "--threads=1",
    };
    return CommandRun.of(CommandRun.with(args, more));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void aRunThatDivergesFailsAndWritesNoModel(int steps) {
    Path run = directory.resolve("diverged" + steps);
    CommandRun failed =
        train(
            run,
            "--dataset=" + text,
            "--text_format=document",
            "--lr=1e38",
            "--warmup=0",
            "--lr_schedule=constant",
            "--iters=" + steps,
            "--save_interval=1");

    assertThat(failed.exitCode()).as(failed.out()).isEqualTo(FAILURE);
    assertThat(failed.err().lines())
        .singleElement()
        .asString()
        .contains("use a lower --lr", "no checkpoint was made yet");
    assertThat(run.resolve("model")).doesNotExist();
  }

  @Test
  void windowsThatHoldPromptsOnlyAreSkippedAndCounted() throws IOException {
    Path data =
        Files.writeString(directory.resolve("mixed.jsonl"), (LONG + SHORT.repeat(4)).repeat(4));
    Path run = directory.resolve("mixed");
    CommandRun done =
        train(
            run,
            "--dataset=" + data,
            "--completion_only_loss",
            "--eval_fraction=0",
            "--iters=30",
            "--log_interval=1");

    assertThat(done.exitCode()).as(done.err()).isZero();
    assertThat(done.out())
        .contains("skipped: its sequences hold prompts only")
        .containsPattern("(?m)^skipped \\d+ of 30 steps$")
        .doesNotContain("loss 0.0000");
  }

  @Test
  void aTrainingTextOfPromptsOnlyIsRefused() throws IOException {
    Path data = Files.writeString(directory.resolve("long.jsonl"), LONG + SHORT);
    Path run = directory.resolve("long");
    CommandRun refused =
        train(
            run, "--dataset=" + data, "--completion_only_loss", "--eval_fraction=0.5", "--iters=3");

    assertThat(refused.exitCode()).as(refused.out()).isEqualTo(USAGE);
    assertThat(refused.err()).contains("training tokens are prompts", "--eval_fraction");
    assertThat(run.resolve("model")).doesNotExist();
  }

  @Test
  void aRunWhoseEveryBatchHoldsPromptsOnlyFails() throws IOException {
    Path data = Files.writeString(directory.resolve("one.jsonl"), LONG + LONG + LONG);
    Path run = directory.resolve("one");
    CommandRun failed =
        train(
            run,
            "--dataset=" + data,
            "--completion_only_loss",
            "--eval_fraction=0",
            "--seed=2",
            "--iters=1");

    assertThat(failed.exitCode()).as(failed.out()).isEqualTo(FAILURE);
    assertThat(failed.err()).contains("no step changed a weight");
    assertThat(run.resolve("model")).doesNotExist();
  }
}
