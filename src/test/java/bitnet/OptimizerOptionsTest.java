package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The options of AdamW reach the optimizer of every trainer.
class OptimizerOptionsTest {
  @TempDir private static Path directory;
  private static Path model;

  @BeforeAll
  static void makeModelAndData() throws IOException {
    model = CommandRun.tinyModel(directory.resolve("blank"));
    CommandRun.someText(directory.resolve("train-ce"));
    Files.writeString(
        directory.resolve("train-grpo"),
        "{\"query\": \"1+1\", \"answer\": \"2\"}\n{\"query\": \"1+2\", \"answer\": \"3\"}\n",
        UTF_8);
    Files.writeString(
        directory.resolve("train-reward"),
        "{\"query\": \"1+1\", \"chosen\": \"2\", \"rejected\": \"5\"}\n".repeat(4),
        UTF_8);
  }

  /// A run of a step or two without weight decay.
  private static Object[] training(String command, String name) {
    Object[] args = {
      command,
      "--model_path=" + model,
      "--dataset=" + directory.resolve(command),
      "--output_dir=" + run(command, name),
      "--weight_decay=0",
      "--threads=1",
    };
    Object[] own =
        switch (command) {
          case "train-ce" -> new Object[] {"--iters=1", "--text_format=document", "--seq_len=16"};
          case "train-grpo" ->
              new Object[] {
                "--steps=1", "--batch_size=2", "--max_length=4", "--reward_model=length(1,3)"
              };
          default ->
              new Object[] {"--model_type=transformer", "--batch_size=2", "--eval_fraction=0"};
        };
    return CommandRun.with(args, own);
  }

  private static Path run(String command, String name) {
    return directory.resolve(command + "-" + name);
  }

  private static byte[] latents(String command, String name, Object... more) throws IOException {
    CommandRun.succeeding(CommandRun.with(training(command, name), more));
    return Files.readAllBytes(run(command, name).resolve("model/master.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"train-ce", "train-grpo", "train-reward"})
  void hugeEpsilonLeavesTheWeightsOfEveryTrainerAsTheyAre(String command) throws IOException {
    byte[] still = latents(command, "still", "--adam_epsilon=1e20");
    byte[] faster = latents(command, "faster", "--adam_epsilon=1e20", "--lr=0.01");
    byte[] moved = latents(command, "moved");

    assertThat(Arrays.equals(still, faster)).isTrue();
    assertThat(Arrays.equals(still, moved)).isFalse();

    CommandRun other =
        CommandRun.of(
            CommandRun.with(training(command, "moved"), "--resume=auto", "--adam_beta2=0.999"));
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.err()).contains("--adam_beta2 was 0.95, now 0.999");
  }
}
