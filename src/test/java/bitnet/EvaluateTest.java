package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvaluateTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir private static Path shared;
  @TempDir private Path directory;
  private static Path model;
  private static Path sums;

  @BeforeAll
  static void make() {
    model = CommandRun.tinyModel(shared.resolve("model"));
    sums = shared.resolve("sums.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--ops=+", "--count=40", "--output", sums);
  }

  private static Object[] questions(Path samples, int batchSize) {
    return new Object[] {
      "evaluate",
      "--task=reasoning",
      "--dataset=" + sums,
      "--ce_model=" + model,
      "--model=again=" + model,
      "--max_length=10",
      "--temperature=1",
      "--two_layer",
      "--guiding_prompt=?",
      "--second_max_length=5",
      "--samples=2",
      "--augmentation_size=3",
      "--samples_file=" + samples,
      "--batch_size=" + batchSize,
      "--threads=1",
    };
  }

  @Test
  void killedRunGoesOnToTheFiguresOfAnUninterruptedOne() throws Exception {
    Path whole = directory.resolve("whole.jsonl");
    Path killed = directory.resolve("killed.jsonl");
    CommandRun expected = CommandRun.succeeding(CommandRun.with(questions(whole, 3), "--json"));

    Process process = CommandRun.start(directory.resolve("log"), questions(killed, 3));
    while (process.isAlive() && (!Files.exists(killed) || Files.size(killed) == 0)) {
      Thread.sleep(5);
    }
    process.destroyForcibly().waitFor();
    assertThat(Files.size(killed)).isPositive().isLessThan(Files.size(whole));

    CommandRun resumed =
        CommandRun.succeeding(CommandRun.with(questions(killed, 7), "--json", "--resume"));
    assertThat(resumed.out()).isEqualTo(expected.out());
    assertThat(killed).hasSameBinaryContentAs(whole);
  }

  @Test
  void tableCsvAndJsonSayTheSame() throws IOException {
    Path samples = directory.resolve("samples.jsonl");
    Path csv = directory.resolve("figures.csv");
    CommandRun table =
        CommandRun.succeeding(CommandRun.with(questions(samples, 8), "--csv_log=" + csv));
    CommandRun json =
        CommandRun.succeeding(CommandRun.with(questions(samples, 8), "--json", "--resume"));

    assertThat(table.out())
        .contains("sums.jsonl: 40 records", "ce 40/40", "again 40/40", "again against ce")
        .containsPattern("final_answer_t1 +0\\.\\d{4} \\[0\\.\\d{4}, 0\\.\\d{4}]");
    JsonNode root = MAPPER.readTree(json.out());
    JsonNode figures = root.path("models").path("ce");
    assertThat(figures.path("delta").path("value").doubleValue())
        .isCloseTo(
            figures.path("incorrect_to_correct").path("value").doubleValue()
                - figures.path("correct_to_incorrect").path("value").doubleValue(),
            offset(1e-9));
    assertThat(figures).isEqualTo(root.path("models").path("again"));
    assertThat(root.path("tests")).isNotEmpty();
    for (JsonNode test : root.path("tests")) {
      if (test.path("second").asText().equals("again")) {
        assertThat(test.path("p_value").doubleValue()).isEqualTo(1);
      } else {
        assertThat(test.path("second").asText()).endsWith(" t2");
      }
    }
    List<String> rows = Files.readAllLines(csv);
    assertThat(rows).hasSize(1 + 2 * figures.size());
    assertThat(rows)
        .contains(
            Stream.of("value", "low", "high", "count")
                .map(name -> figures.path("f1_t2").path(name).asText())
                .reduce("ce,f1_t2", (row, cell) -> row + "," + cell));
    for (String line : Files.readAllLines(samples)) {
      assertThat(MAPPER.readTree(line).path("first")).hasSize(2);
      assertThat(MAPPER.readTree(line).path("second")).hasSize(2 * 3);
    }
  }

  /// The held-out text of a run, judged by its trainer and by this command: windows side by side.
  @Test
  void perplexityIsTheHeldOutLossOfTraining() throws IOException {
    byte[] text = Files.readAllBytes(CommandRun.someText(directory.resolve("all.txt")));
    byte[] part =
        Arrays.copyOf(text, 3244); // half of it is 50 windows of 32, one of 21 and a token
    Path file = Files.write(directory.resolve("text.txt"), part);
    Path heldOut =
        Files.write(directory.resolve("held-out.txt"), Arrays.copyOfRange(part, 1622, 3244));
    CommandRun training =
        CommandRun.succeeding(
            "train-ce",
            "--dataset=" + file,
            "--text_format=document",
            "--model_path=" + model,
            "--output_dir=" + directory.resolve("run"),
            "--eval_fraction=0.5",
            "--eval_tokens=0",
            "--iters=1",
            "--batch_size=2",
            "--seq_len=32",
            "--dtype=fp32",
            "--threads=1");
    Matcher loss = Pattern.compile("step 0/1  held-out loss ([\\d.]+)").matcher(training.out());
    assertThat(loss.find()).isTrue();

    CommandRun judged =
        CommandRun.succeeding(
            "evaluate",
            "--task=perplexity",
            "--dataset=" + heldOut,
            "--ce_model=" + model,
            "--context=32",
            "--stride=32",
            "--lm_head=fp32",
            "--kv_cache=fp32",
            "--json");
    JsonNode figures = MAPPER.readTree(judged.out()).path("models").path("ce");

    double nats = figures.path("nats_per_token").path("value").doubleValue();
    assertThat(nats).isCloseTo(Double.parseDouble(loss.group(1)), offset(1e-4));
    assertThat(figures.path("tokens").path("value").intValue()).isEqualTo(1621);
    assertThat(figures.path("bits_per_byte").path("value").doubleValue())
        .isCloseTo(nats / Math.log(2), offset(1e-9));
  }

  /// The same of records that are read one by one, the last of them longer than a sequence.
  @ParameterizedTest
  @CsvSource({"false, 142", "true, 59"})
  void perplexityOfRecordsIsTheHeldOutLossOfTrainingOnThem(boolean completionsOnly, int predicted)
      throws IOException {
    String chat =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
            + "{\"role\":\"assistant\",\"content\":\"eins\"}]}\n";
    String question = "{\"query\":\"%s\",\"answer\":\"%s\"}%n";
    Path records =
        Files.writeString(
            directory.resolve("records.jsonl"),
            chat
                + question.formatted("one?", "yes")
                + question.formatted("two?", "no")
                + question.formatted("three?", "a long answer ".repeat(9)));
    List<String> reading =
        new ArrayList<>(List.of("--dataset=" + records, "--packing=records", "--batch_size=2"));
    if (completionsOnly) {
      reading.add("--completion_only_loss");
    }
    List<String> training =
        new ArrayList<>(
            List.of(
                "train-ce",
                "--eval_dataset=" + records,
                "--model_path=" + model,
                "--output_dir=" + directory.resolve("run"),
                "--eval_tokens=0",
                "--iters=1",
                "--seq_len=64",
                "--dtype=fp32",
                "--threads=1"));
    training.addAll(reading);
    List<String> judging =
        new ArrayList<>(
            List.of(
                "evaluate",
                "--task=perplexity",
                "--ce_model=" + model,
                "--context=64",
                "--lm_head=fp32",
                "--kv_cache=fp32",
                "--json"));
    judging.addAll(reading);

    String trained = CommandRun.succeeding(training.toArray()).out();
    String judged = CommandRun.succeeding(judging.toArray()).out();

    Matcher loss = Pattern.compile("step 0/1  held-out loss ([\\d.]+)").matcher(trained);
    assertThat(loss.find()).isTrue();
    JsonNode figures = MAPPER.readTree(judged).path("models").path("ce");
    assertThat(figures.at("/nats_per_token/value").doubleValue())
        .isCloseTo(Double.parseDouble(loss.group(1)), offset(1e-4));
    assertThat(figures.at("/tokens/value").intValue()).isEqualTo(predicted);
    assertThat(figures.has("nats_per_byte")).isFalse();
  }

  @Test
  void aGgufFileIsJudgedLikeTheModelThatItWasMadeOf() throws IOException {
    Path file = directory.resolve("model.gguf");
    CommandRun.succeeding("convert", "--from", model, "--to", file, "--format=gguf-f16");
    Path text = CommandRun.someText(directory.resolve("text.txt"));

    JsonNode figures =
        MAPPER.readTree(
            CommandRun.succeeding(
                    "evaluate",
                    "--task=perplexity",
                    "--text_format=document",
                    "--dataset=" + text,
                    "--model=made=" + model,
                    "--model=gguf=" + file,
                    "--json")
                .out());

    double made = figures.at("/models/made/nats_per_token/value").doubleValue();
    assertThat(made).isBetween(1.0, 10.0);
    assertThat(figures.at("/models/gguf/nats_per_token/value").doubleValue())
        .isCloseTo(made, offset(1e-2));
  }

  @Test
  void choicesAreJudged() throws IOException {
    Path choices =
        Files.writeString(
            directory.resolve("choices.jsonl"),
            """
            {"ctx": "A man", "endings": ["runs", "sits"], "label": 1}
            {"question": "Q?", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "B"}
            """);

    CommandRun run =
        CommandRun.succeeding(
            "evaluate", "--task=choice", "--dataset", choices, "--ce_model", model);

    assertThat(run.out())
        .contains("choices.jsonl: 2 records")
        .containsPattern("\nacc +[\\d.]+ \\[")
        .containsPattern("\nacc_norm +[\\d.]+ \\[")
        .containsPattern("\nacc_bytes +[\\d.]+ \\[");
  }

  @ParameterizedTest
  @CsvSource({
    "--task=poetry, 2, 'task \"poetry\" is unknown; use qa, reasoning, perplexity or choice'",
    "--resume, 2, '--resume needs --samples_file'",
    "--samples_file=@/old.jsonl, 2, 'old.jsonl already exists; continue it with --resume'",
    "--samples=0, 2, '--samples 0'",
    "--samples=@/old.jsonl, 2, 'old.jsonl already exists; continue it with --resume'",
    "--device=cuda, 2, '--device cuda cannot be used'",
    "--model=name, 2, '--model name is not a name and a directory'",
    "--model=ce=x, 2, 'two models are named ce'",
    "--model=x=@/none, 1, 'none: no such file or directory'",
    "--guiding_prompt=x, 2, '--guiding_prompt has no effect without a second try'",
    "--context=8, 2, '--context has no effect with --task qa'",
    "--batch_size=0, 2, 'batch_size 0 must be at least 1'",
    "--samples=3, 2, '--samples 3 with temperature 0 gives the same answer 3 times'",
    "--augmentation_size=3, 2, 'add --two_layer, or use --samples for several answers'",
    "--benchmark=mmlu, 2, 'benchmark \"mmlu\" is unknown'",
    "--benchmark=gsm8k, 2, 'has no \"#### answer\"'",
  })
  void oneLineSaysWhatIsWrong(String option, int exitCode, String said) throws IOException {
    Files.writeString(directory.resolve("old.jsonl"), "");
    List<Object> args =
        new ArrayList<>(List.of("evaluate", "--dataset", sums, "--ce_model", model));
    args.add("--max_length=2");
    args.add(option.replace("@", directory.toString()));

    CommandRun run = CommandRun.of(args.toArray());

    assertThat(run.err().lines()).singleElement().asString().startsWith("bitnet: ").contains(said);
    assertThat(run.exitCode()).isEqualTo(exitCode);
  }

  @Test
  void guidingPromptOfAFileIsOnePhrase() throws IOException {
    Path file = Files.writeString(directory.resolve("phrases.txt"), " again {query}\n really?\n");
    List<Object> args =
        new ArrayList<>(List.of("evaluate", "--dataset", sums, "--ce_model", model));
    args.addAll(List.of("--max_length=2", "--two_layer", "--guiding_prompt", file));

    CommandRun run = CommandRun.of(args.toArray());

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err())
        .contains("phrases.txt: has 2 guiding prompts, but one is used for all answers");
    Files.writeString(file, " again {query}\n");
    assertThat(CommandRun.succeeding(args.toArray()).out()).contains("final_answer_t2");
  }

  @Test
  void modelIsNeeded() {
    CommandRun run = CommandRun.of("evaluate", "--dataset", sums);

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("bitnet: no model to evaluate; add --ce_model DIR");
  }
}
