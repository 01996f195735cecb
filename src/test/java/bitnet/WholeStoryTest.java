package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A model is created, trained on a real text and run.
class WholeStoryTest {
  private static final int STEPS = 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path directory;
  private static Path run;
  private static Path events;
  private static CommandRun training;

  @BeforeAll
  static void createAndTrain() throws IOException {
    run = directory.resolve("run");
    events = directory.resolve("events");
    training =
        CommandRun.succeeding(
            "train-ce",
            "--dataset",
            CommandRun.someText(directory.resolve("text.txt")),
            "--text_format=document",
            "--model_path",
            CommandRun.tinyModel(directory.resolve("blank")),
            "--output_dir",
            run,
            "--tensorboard",
            events,
            "--iters=" + STEPS,
            "--batch_size=4",
            "--seq_len=64",
            "--eval_interval=0",
            "--eval_tokens=2048",
            "--threads=1");
  }

  private static String infer(Object... more) {
    Object[] args = {"infer", "--model_path", run, "--prompt", "ROMEO:", "--max_length=12"};
    return CommandRun.succeeding(CommandRun.with(args, more)).out();
  }

  private static List<Double> numbers(Pattern pattern) {
    return pattern
        .matcher(training.out())
        .results()
        .map((MatchResult found) -> Double.valueOf(found.group(1)))
        .toList();
  }

  @Test
  void trainingLowersTheLossOnTextItHasNotSeen() {
    double before = numbers(Pattern.compile("held-out loss (\\S+)")).getFirst();
    double after = numbers(Pattern.compile("  eval (\\S+)")).getLast();

    assertThat(before).isCloseTo(Math.log(256), offset(0.3));
    assertThat(after).isBetween(1.0, before - 0.5);
  }

  @Test
  void memoryIsEstimatedAndEveryStepIsReported() {
    assertThat(training.out().lines())
        .anyMatch(line -> line.startsWith("model: ") && line.contains("139,584 parameters"))
        .anyMatch(line -> line.matches(" +total .* MiB available"))
        .anyMatch(line -> line.startsWith("data: ") && line.contains("60,000 tokens"))
        .anyMatch(line -> line.startsWith("step %d/%d  loss ".formatted(STEPS, STEPS)))
        .anyMatch(line -> line.startsWith("saved ") && line.endsWith("step-00000020"))
        .endsWith("wrote " + run.resolve("model"));
  }

  @Test
  void greedyTextIsTheSameEveryTime() throws IOException {
    String text = infer("--temperature", 0);

    assertThat(text.strip()).isNotEmpty();
    assertThat(infer("--temperature", 0)).isEqualTo(text);
    JsonNode json = JSON.readTree(infer("--temperature", 0, "--json"));
    assertThat(json.path("text").asText() + System.lineSeparator()).isEqualTo(text);
    assertThat(json.path("prompt").asText()).isEqualTo("ROMEO:");
    assertThat(json.path("tokens")).hasSize(12);
  }

  @Test
  void greedyTextTakesTheHighestLogit() throws IOException {
    JsonNode text = JSON.readTree(infer("--temperature", 0, "--json"));

    JsonNode logits =
        JSON.readTree(
                CommandRun.succeeding(
                        "logits", "--model_path", run, "--ids", "82 79 77 69 79 58", "--json")
                    .out())
            .path("logits");

    assertThat(logits).hasSize(6);
    assertThat(logits).allMatch(position -> position.size() == 256);
    int best = 0;
    for (int token = 1; token < 256; token++) {
      if (logits.path(5).path(token).asDouble() > logits.path(5).path(best).asDouble()) {
        best = token;
      }
    }
    assertThat(text.path("tokens").path(0).asInt()).isEqualTo(best);
  }

  @Test
  void tensorBoardGetsAnEventForEveryStep() throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.list(events)) {
      files = found.toList();
    }
    assertThat(files).singleElement().asString().contains("events.out.tfevents.");

    List<String> records = records(files.getFirst());

    assertThat(records).hasSize(2 + STEPS);
    assertThat(records.getFirst()).contains("brain.Event:2");
    assertThat(records.get(1)).contains("eval_loss").doesNotContain("grad_norm");
    assertThat(records.subList(2, records.size()))
        .allMatch(record -> record.contains("loss") && record.contains("grad_norm"));
    assertThat(records.getLast()).contains("eval_loss");
  }

  /// The contents of a TFRecord file: length (8 bytes), its CRC (4), content, its CRC (4).
  private static List<String> records(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<String> records = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] record = new byte[Math.toIntExact(bytes.getLong())];
      bytes.getInt();
      bytes.get(record).getInt();
      records.add(new String(record, StandardCharsets.ISO_8859_1));
    }
    return records;
  }
}
