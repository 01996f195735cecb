package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Questions are made, and a model is trained on them.
class MakeDataTest {
  @TempDir private Path directory;

  @Test
  void madeQuestionsCanBeTrainedOnAndThoseHeldOutAreOthers() throws IOException {
    Path train = directory.resolve("train.jsonl");
    Path heldOut = directory.resolve("eval.jsonl");

    CommandRun made =
        CommandRun.succeeding(
            "make-data",
            "arithmetic",
            "--ops=+-",
            "--count=600",
            "--eval_count=100",
            "--seed=3",
            "--output",
            train,
            "--eval-output",
            heldOut);

    assertThat(made.out().lines())
        .anyMatch(
            line -> line.matches("<user>\\d+[+-]\\d+=</user><assistant><think>.+</think>\\d+"))
        .contains("wrote " + train + ": 600 questions", "wrote " + heldOut + ": 100 questions");
    List<String> lines = Files.readAllLines(train);
    assertThat(lines)
        .hasSize(600)
        .doesNotHaveDuplicates()
        .doesNotContainAnyElementsOf(Files.readAllLines(heldOut))
        .allMatch(line -> line.matches("\\{\"query\":\".+\",\"answer\":\"\\d+\",\"reasoning\":.+"));
    CommandRun trained =
        CommandRun.succeeding(
            "train-ce",
            "--dataset",
            train,
            "--eval_dataset",
            heldOut,
            "--model_path",
            CommandRun.tinyModel(directory.resolve("blank")),
            "--output_dir",
            directory.resolve("run"),
            "--iters=2",
            "--batch_size=2",
            "--seq_len=64",
            "--threads=1");
    assertThat(trained.out()).contains("data: 600 examples").contains("step 2/2");
  }

  @Test
  void correctionsAreMadeOfQuestionsAndOfACompletionsLog() throws IOException {
    Path questions = directory.resolve("questions.jsonl");
    Path mistakes = directory.resolve("mistakes.jsonl");
    Path corrections = directory.resolve("corrections.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=40", "--output", questions);
    String query = Files.readString(questions).split("\"", 5)[3];
    String line = "{\"layer\":1,\"query\":\"%s\",\"completion\":\"%d\",\"right\":%b}%n";
    Path log =
        Files.writeString(
            directory.resolve("log.jsonl"),
            line.formatted(query, 1, true) + line.formatted(query, 2, false));

    CommandRun made =
        CommandRun.succeeding(
            "make-data", "mistakes", "--from", questions, "--every=4", "--output", mistakes);
    CommandRun.succeeding(
        "make-data",
        "corrections",
        "--from",
        log,
        "--questions",
        questions,
        "--guiding_prompt= again {query}",
        "--output",
        corrections);

    assertThat(made.out()).contains("wrote " + mistakes + ": 10 corrections");
    assertThat(Files.readAllLines(mistakes))
        .hasSize(10)
        .allMatch(record -> record.contains("</think>Review and correct the answer:\""));
    assertThat(Files.readAllLines(corrections))
        .hasSize(2)
        .first()
        .asString()
        .contains(query + "<think>2</think> again " + query);
  }

  @Test
  void answersAloneAreLearntWhereThatIsAskedFor() throws IOException {
    Path questions = directory.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=40", "--output", questions);
    Path model = CommandRun.tinyModel(directory.resolve("blank"));

    MetricsFile all = trained(questions, model, "all");
    MetricsFile answers = trained(questions, model, "answers", "--completion_only_loss");

    assertThat(answers.column("loss")).hasSize(3).doesNotContainAnyElementsOf(all.column("loss"));
    CommandRun other =
        CommandRun.of(training(questions, model, "all", "--completion_only_loss", "--resume=auto"));
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.err()).contains("--completion_only_loss was false, now true");
  }

  @Test
  void recordsStayWholeWhereThatIsAskedFor() throws IOException {
    Path questions = directory.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=40", "--output", questions);
    Path model = CommandRun.tinyModel(directory.resolve("blank"));
    String[] packed = {
      "--packing=records", "--eval_dataset=" + questions, "--completion_only_loss"
    };

    CommandRun run = CommandRun.succeeding(training(questions, model, "packed", packed));

    // (2,032 tokens - 40 that begin a record) of 40 * 64
    assertThat(run.out())
        .containsPattern("packing: 40 records in 40 windows of 64 tokens, 77\\.8% full\\R")
        .contains("held-out loss");
    CommandRun stream =
        CommandRun.of(
            training(questions, model, "packed", "--completion_only_loss", "--resume=auto"));
    assertThat(stream.err()).contains("--packing was records, now stream");
    CommandRun document =
        CommandRun.of(
            training(questions, model, "doc", "--packing=records", "--text_format=document"));
    assertThat(document.err())
        .contains(
            "--packing records needs examples", "questions.jsonl is one", "use --packing stream");
  }

  private MetricsFile trained(Path questions, Path model, String run, String... more)
      throws IOException {
    CommandRun.succeeding(training(questions, model, run, more));
    return MetricsFile.read(directory.resolve(run).resolve("metrics.csv"));
  }

  private Object[] training(Path questions, Path model, String run, String... more) {
    List<Object> words =
        new ArrayList<>(
            List.of("train-ce", "--dataset", questions, "--model_path", model, "--output_dir"));
    words.addAll(List.of(directory.resolve(run), "--iters=3", "--batch_size=2", "--seq_len=64"));
    words.addAll(List.of("--eval_fraction=0", "--threads=1"));
    words.addAll(List.of(more));
    return words.toArray();
  }

  @Test
  void whatCannotBeMadeIsRefusedInOneLine() {
    Path file = directory.resolve("a.jsonl");

    CommandRun tooMany =
        CommandRun.of("make-data", "arithmetic", "--digits=1", "--count=101", "--output", file);
    CommandRun twice =
        CommandRun.of("make-data", "arithmetic", "--output", file, "--eval_output", file);
    CommandRun nowhere =
        CommandRun.of("make-data", "arithmetic", "--output", file, "--eval_count=10");

    CommandRun questionless =
        CommandRun.of("make-data", "mistakes", "--from", file, "--every=0", "--output", file);
    assertThat(questionless.err()).contains("bitnet: --every 0 is not at least 1; use 1");

    assertThat(tooMany.err().lines()).singleElement().asString().contains("only 100 different");
    assertThat(twice.err().lines()).singleElement().asString().contains("the same file");
    assertThat(nowhere.err().lines()).singleElement().asString().contains("needs --eval_output");
    assertThat(List.of(tooMany.exitCode(), twice.exitCode(), nowhere.exitCode())).containsOnly(2);
    assertThat(file).doesNotExist();
  }
}
