package bitnet.eval;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.checkpoint.ModelLocation;
import bitnet.data.ChoiceRecord;
import bitnet.runtime.KvCache;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChoiceEvaluationTest {
  private static final int CONTEXT = 40;
  private static final List<ChoiceRecord> RECORDS =
      List.of(
          new ChoiceRecord("Question: Why?\nAnswer:", List.of("so", "so it is", "é"), 1),
          new ChoiceRecord("Sky is", List.of("blue", "red"), 0),
          new ChoiceRecord("Sky is", List.of("b", "bb", "bbb", "bbbb"), 0),
          new ChoiceRecord("far too long ".repeat(4), List.of("yes", "perhaps"), 0),
          new ChoiceRecord("x", List.of("0123456789".repeat(5), "short"), 1));

  @TempDir private static Path directory;
  private static Path model;

  @BeforeAll
  static void make() throws IOException {
    model = TinyModel.make(directory.resolve("model"), CONTEXT, 5);
  }

  private static EvaluatedModel open() throws IOException {
    return EvaluatedModel.open("m", model, TinyModel.RUNTIME);
  }

  private static List<ChoiceSample> samples(EvaluatedModel opened, int batchSize)
      throws IOException {
    return new ChoiceEvaluation(RECORDS, batchSize, 0).evaluate(opened, "run", 0, RECORDS.size());
  }

  /// Reads the bytes from the first to the last but one in one go: no prefix is shared.
  private static double logProbability(EvaluatedModel opened, String prompt, String choice) {
    byte[] bytes = (prompt + " " + choice).getBytes(UTF_8);
    int first = Math.max(0, bytes.length - CONTEXT - 1);
    int count = bytes.length - 1 - first;
    int[] inputs = new int[count];
    int[] targets = new int[count];
    for (int i = 0; i < count; i++) {
      inputs[i] = Byte.toUnsignedInt(bytes[first + i]);
      targets[i] = Byte.toUnsignedInt(bytes[first + i + 1]);
    }
    try (KvCache cache = opened.llama().newCache(count)) {
      double[] all = opened.llama().score(List.of(cache), List.of(inputs), List.of(targets))[0];
      double sum = 0;
      int blanks = prompt.length() - prompt.stripTrailing().length() + 1;
      int choiceBytes = blanks + choice.getBytes(UTF_8).length;
      for (int i = Math.max(0, count - choiceBytes); i < count; i++) {
        sum += all[i];
      }
      return sum;
    }
  }

  @Test
  void choicesHaveTheLogProbabilityOfTheirTokensAfterThePrompt() throws IOException {
    try (EvaluatedModel opened = open()) {
      for (ChoiceSample sample : samples(opened, 3)) {
        ChoiceRecord record = RECORDS.get(sample.index());
        List<Double> byByte = new ArrayList<>();
        for (int j = 0; j < record.choices().size(); j++) {
          String choice = record.choices().get(j);
          double expected = logProbability(opened, record.prompt(), choice);
          assertThat(sample.logProbabilities().get(j)).isCloseTo(expected, within(1e-4));
          byByte.add(sample.logProbabilities().get(j) / choice.getBytes(UTF_8).length);
        }
        assertThat(sample.logProbabilities().get(sample.chosen()))
            .isEqualTo(
                sample.logProbabilities().stream().mapToDouble(it -> it).max().orElseThrow());
        assertThat(byByte.get(sample.chosenByByte()))
            .isEqualTo(byByte.stream().mapToDouble(it -> it).max().orElseThrow());
      }
    }
  }

  @Test
  void choicesAreTheSameWhateverTheBatch() throws IOException {
    try (EvaluatedModel opened = open()) {
      List<ChoiceSample> alone = samples(opened, 1);
      assertThat(samples(opened, 4)).isEqualTo(alone);
      assertThat(samples(opened, 100)).isEqualTo(alone);
    }
  }

  @Test
  void whatDoesNotFitLosesItsBeginningAndIsSaid() throws IOException {
    EvaluationReport report =
        new EvaluationRun(Map.of("m", ModelLocation.of(model)), TinyModel.RUNTIME)
            .evaluate(
                new ChoiceEvaluation(RECORDS, 8, 0), SamplesFile.none(), (name, done, size) -> {});

    assertThat(report.models().getFirst().notes())
        .containsExactly("m: 2 records did not fit its context: their beginnings were left out.");
  }

  /// A question as the harness evaluated it.
  record HarnessCase(
      @JsonProperty("choices") List<String> choices,
      @JsonProperty("log_probabilities") List<Double> logProbabilities,
      @JsonProperty("right") int right,
      @JsonProperty("acc") int acc,
      @JsonProperty("acc_norm") int accNorm,
      @JsonProperty("acc_bytes") int accBytes) {}

  /// What lm-evaluation-harness 0.4.13 says of the same scores, by its own code.
  record Harness(
      @JsonProperty("source") String source, @JsonProperty("cases") List<HarnessCase> cases) {}

  @Test
  void choicesAreThoseOfTheHarness() throws IOException {
    Harness harness;
    try (InputStream in = getClass().getResourceAsStream("choice-harness.json")) {
      harness = new ObjectMapper().readValue(in, Harness.class);
    }
    assertThat(harness.cases()).anyMatch(it -> it.accNorm() != it.accBytes()).hasSize(60);
    for (HarnessCase it : harness.cases()) {
      assertThat(hit(it, choice -> 1)).isEqualTo(it.acc());
      assertThat(hit(it, ChoiceEvaluation::characters)).isEqualTo(it.accNorm());
      assertThat(hit(it, ChoiceEvaluation::bytes)).isEqualTo(it.accBytes());
    }
  }

  private static int hit(HarnessCase question, ToIntFunction<String> length) {
    int chosen = ChoiceEvaluation.chosen(question.logProbabilities(), question.choices(), length);
    return chosen == question.right() ? 1 : 0;
  }

  /// Two of three right plainly, one by character, one by byte.
  @Test
  void accuracyIsTheShareOfRightChoices() throws IOException {
    List<ChoiceSample> samples =
        List.of(
            new ChoiceSample("run", "m", 0, "p", List.of(-1.9, -7.0, -1.0), 2, 2, 2, false),
            new ChoiceSample("run", "m", 1, "p", List.of(-1.0, -2.0), 0, 0, 1, false),
            new ChoiceSample("run", "m", 2, "p", List.of(-1.0, -2.1, -6.0, -8.0), 1, 0, 0, false));
    try (EvaluatedModel opened = open()) {
      List<Metric> metrics =
          new ChoiceEvaluation(RECORDS, 1, 0).summarize(opened, samples).metrics();
      assertThat(metrics).extracting(Metric::name).containsExactly("acc", "acc_norm", "acc_bytes");
      assertThat(metrics)
          .extracting(Metric::value)
          .satisfiesExactly(
              acc -> assertThat(acc).isCloseTo(2 / 3.0, within(1e-12)),
              norm -> assertThat(norm).isCloseTo(1 / 3.0, within(1e-12)),
              bytes -> assertThat(bytes).isCloseTo(1 / 3.0, within(1e-12)));
    }
  }
}
