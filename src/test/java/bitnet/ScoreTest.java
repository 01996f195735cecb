package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A reward is tried on completions before anything is trained with it.
class ScoreTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final List<String> RECORDS =
      List.of(
          "{\"query\":\"4+5=\",\"answer\":\"9\",\"completion\":\"<think>4+5</think>9\",\"id\":7}",
          "{\"query\":\"4+5=\",\"answer\":\"9\",\"completion\":\"<think>4+5=9\"}",
          "{\"query\":\"4+5=\",\"answer\":\"9\",\"completion\":\"4+5\"}",
          "{\"query\":\"Half?\",\"answer\":\"0.5\",\"completion\":\"It is $\\\\frac{1}{2}$.\"}",
          "{\"query\":\"Half?\",\"reference\":\"0.5\",\"completion\":\"\"}");

  @TempDir private Path directory;
  private Path dataset;

  @BeforeEach
  void write() throws IOException {
    dataset = Files.write(directory.resolve("completions.jsonl"), RECORDS);
  }

  private CommandRun score(String reward, Object... more) {
    return CommandRun.succeeding(
        CommandRun.with(new Object[] {"score", "--reward", reward, "--dataset", dataset}, more));
  }

  @Test
  void theTableShowsScoresAnswersAndShares() {
    CommandRun run = score("0.8*final_answer+0.2*format");

    assertThat(run.out())
        .contains("completions.jsonl: 5 records")
        .containsPattern("\n +1 +1\\.0000  9 +9 +<think>4\\+5</think>9\n")
        .containsPattern("\n +2 +0\\.0000  9 +- +<think>4\\+5=9\n")
        .containsPattern("\n +4 +0\\.8000  0\\.5 +\\$")
        .containsPattern("\nreward +0\\.8\\*final_answer\\+0\\.2\\*format\n")
        .containsPattern(
            "\nscore +0\\.3600 \\[0\\.\\d{4}, 0\\.\\d{4}]  lowest 0\\.0000, highest 1\\.0000\n")
        .contains("right     0.4000 [0.1176, 0.7693]", "answered  0.6000 [0.2307, 0.8824]");
    assertThat(score("final_answer").out()).contains("score     0.4000 [0.1176, 0.7693]");
    assertThat(score("f1", "--rows=2").out())
        .contains("3 more; --rows shows more")
        .doesNotContain("It is");
    assertThat(score("f1", "--rows=0").out()).doesNotContain("<think>");
  }

  @Test
  void oneObjectPerRecordComesInOrder() throws IOException {
    List<JsonNode> objects = new ArrayList<>();
    for (String line : score("final_answer", "--json").out().lines().toList()) {
      objects.add(MAPPER.readTree(line));
    }

    assertThat(objects)
        .extracting(it -> it.path("score").doubleValue())
        .containsExactly(1.0, 0.0, 0.0, 1.0, 0.0);
    assertThat(objects)
        .extracting(it -> it.path("extracted").textValue())
        .containsExactly("9", null, "4+5", "$\\frac{1}{2}$", null);
    assertThat(objects).allMatch(it -> it.size() == 2);
  }

  @Test
  void theRecordsAreWrittenWithBothFieldsAdded() throws IOException {
    Path output = directory.resolve("scored.jsonl");

    score("final_answer", "--output", output);

    List<String> lines = Files.readAllLines(output);
    assertThat(lines).hasSameSizeAs(RECORDS);
    for (int i = 0; i < lines.size(); i++) {
      String kept = RECORDS.get(i).substring(0, RECORDS.get(i).length() - 1);
      assertThat(lines.get(i)).startsWith(kept + ",\"score\":").contains(",\"extracted\":");
    }
    dataset = output; // scored anew, both fields are replaced
    score("format", "--output", output);
    assertThat(Files.readAllLines(output))
        .first()
        .isEqualTo(RECORDS.getFirst().replace("}", ",\"score\":1.0,\"extracted\":\"9\"}"));
  }

  @Test
  void aTrainedModelIsARewardToo() throws IOException {
    Path model = directory.resolve("reward");
    Path pairs =
        Files.writeString(
            directory.resolve("pairs.jsonl"),
            "{\"query\":\"4+5=\",\"chosen\":\"<think>4+5</think>9\",\"rejected\":\"4+5\"}");
    CommandRun.succeeding(
        "train-reward", "--dataset", pairs, "--eval_fraction=0", "--output_dir", model);

    List<String> lines = score(model.toString(), "--json").out().lines().toList();

    assertThat(MAPPER.readTree(lines.get(0)).path("score").doubleValue())
        .isGreaterThan(MAPPER.readTree(lines.get(2)).path("score").doubleValue());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "--reward=best ~ reward \"best\" is unknown; use f1",
        "--reward=1/format ~ completions.jsonl: record 2: reward Infinity is not",
        "--dataset=@/bad.jsonl ~ bad.jsonl:1: the record has no field \"completion\"",
        "--dataset=@/number.jsonl ~ number.jsonl:1: the field \"completion\" is a number",
        "--rows=-1 ~ rows -1 must be at least 0",
        "--on_bad_record=ask ~ on_bad_record \"ask\" is unknown",
      })
  void oneLineSaysWhatIsWrong(String option, String said) throws IOException {
    Files.writeString(directory.resolve("bad.jsonl"), "{\"query\": \"q\", \"answer\": \"a\"}");
    Files.writeString(
        directory.resolve("number.jsonl"),
        "{\"query\": \"q\", \"answer\": \"a\", \"completion\": 5}");
    List<Object> args = new ArrayList<>(List.of("score"));
    if (!option.startsWith("--reward")) {
      args.add("--reward=f1");
    }
    if (!option.startsWith("--dataset")) {
      args.add("--dataset=" + dataset);
    }
    args.add(option.replace("@", directory.toString()));

    CommandRun run = CommandRun.of(args.toArray());

    assertThat(run.err().lines()).singleElement().asString().startsWith("bitnet: ").contains(said);
    assertThat(run.exitCode()).isEqualTo(2);
  }
}
