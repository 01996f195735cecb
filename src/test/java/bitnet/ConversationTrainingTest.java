package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A model learns to answer from records of `messages`.
class ConversationTrainingTest {
  @TempDir private Path directory;

  @Test
  void theAnswersOfConversationsAreLearned() throws IOException {
    String chat =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},"
            + "{\"role\":\"assistant\",\"content\":\"%s\"}]}%n";
    Path chats =
        Files.writeString(
            directory.resolve("chats.jsonl"),
            chat.formatted("one", "eins") + chat.formatted("two", "zwei"));

    CommandRun trained =
        CommandRun.succeeding(
            "train-ce",
            "--dataset",
            chats,
            "--eval_dataset",
            chats,
            "--packing=records",
            "--model_path",
            CommandRun.tinyModel(directory.resolve("blank")),
            "--output_dir",
            directory.resolve("run"),
            "--iters=60",
            "--batch_size=2",
            "--seq_len=48",
            "--lr=8e-3",
            "--threads=1");

    assertThat(trained.out())
        .contains("data: 2 examples", "lengths: 44 to 44 tokens, median 44")
        .containsPattern("step 60/60  loss 0\\.0\\d+");
    for (String[] pair : new String[][] {{"one", "eins"}, {"two", "zwei"}}) {
      assertThat(
              CommandRun.succeeding(
                      "infer",
                      "--model_path",
                      directory.resolve("run"),
                      "--prompt",
                      "<user>%s</user><assistant>".formatted(pair[0]),
                      "--max_length=8",
                      "--threads=1")
                  .out())
          .contains(pair[1]);
    }
  }

  @Test
  void aBadConversationIsRefusedBeforeWorkStarts() throws IOException {
    Path chats =
        Files.writeString(
            directory.resolve("chats.jsonl"),
            "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n");

    CommandRun refused =
        CommandRun.of(
            "train-ce",
            "--dataset",
            chats,
            "--model_path",
            CommandRun.tinyModel(directory.resolve("blank")),
            "--output_dir",
            directory.resolve("run"),
            "--seq_len=32",
            "--iters=1");

    assertThat(refused.err())
        .contains(chats + ":1: no message of the assistant is to be learned; add one, or delete");
    assertThat(refused.exitCode()).isEqualTo(2);
  }
}
