package bitnet.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.checkpoint.ModelLocation;
import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.Generator;
import bitnet.generation.SamplingSettings;
import bitnet.generation.TextModel;
import bitnet.reward.FinalAnswer;
import bitnet.reward.TokenF1;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnswerEvaluationTest {
  private static final int CONTEXT = 80;
  private static final String GUIDE = "Check:";
  private static final TokenF1 OVERLAP = new TokenF1(); // opening WordNet takes a while
  private static final EvaluationRun.Progress UNSEEN = (model, done, size) -> {};

  @TempDir private static Path shared;
  @TempDir private Path directory;
  private static Map<String, ModelLocation> models;

  @BeforeAll
  static void makeModels() throws IOException {
    models = new LinkedHashMap<>();
    models.put("one", ModelLocation.of(TinyModel.make(shared.resolve("one"), CONTEXT, 1)));
    models.put("two", ModelLocation.of(TinyModel.make(shared.resolve("two"), CONTEXT, 2)));
  }

  private static List<QaRecord> records() {
    List<QaRecord> records = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      records.add(
          new QaRecord("%d+3=".formatted(i), "" + (i + 3), Optional.of("so %d".formatted(i))));
    }
    // its prompt does not fit: 62 bytes and the 24 of the tags
    records.add(5, new QaRecord("long".repeat(15) + "2=", "6", Optional.empty()));
    return records;
  }

  private static AnswerEvaluation evaluation(int batchSize) {
    return new AnswerEvaluation(
        records(),
        new AnswerSettings(
            batchSize,
            2,
            GenerationSettings.of(14, new SamplingSettings(1.2, 0, 0.95, 0, 1, 7)),
            true,
            Optional.of(new AnswerSettings.Correction(GUIDE, 3, 9))),
        OVERLAP);
  }

  private static EvaluationReport evaluate(int batchSize, Path samples, boolean resume)
      throws IOException {
    try (SamplesFile<AnswerSample> file = SamplesFile.open(samples, AnswerSample.class, resume)) {
      return new EvaluationRun(models, TinyModel.RUNTIME)
          .evaluate(evaluation(batchSize), file, UNSEEN);
    }
  }

  private static Path path(String model) {
    return Objects.requireNonNull(models.get(model)).model();
  }

  private static List<AnswerSample> samples(String model, int batchSize) throws IOException {
    try (EvaluatedModel opened = EvaluatedModel.open(model, path(model), TinyModel.RUNTIME)) {
      return evaluation(batchSize).evaluate(opened, "run", 0, records().size());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 50})
  void resultsAreTheSameWhateverTheBatch(int batchSize) throws IOException {
    Path samples = directory.resolve("samples.jsonl");
    Path others = directory.resolve("others.jsonl");

    EvaluationReport report = evaluate(batchSize, samples, false);

    assertThat(report).isEqualTo(evaluate(7, others, false));
    assertThat(samples).hasSameTextualContentAs(others);
    assertThat(Files.readAllLines(samples)).hasSize(2 * records().size());
  }

  /// Against the generator of one text at a time.
  @Test
  void everyAnswerIsTheOneToItsOwnPrompt() throws IOException {
    List<AnswerSample> samples = samples("one", 4);

    try (TextModel model = TextModel.open(path("one"), "cpu", TinyModel.RUNTIME)) {
      Generator generator = model.generator();
      for (AnswerSample sample : samples) {
        String prompt = "<user>" + sample.query() + "</user><assistant>";
        for (int j = 0; j < 2 && prompt.length() <= CONTEXT; j++) {
          int[] tokens = generator.promptTokens(prompt);
          Completion alone =
              generator.generate(tokens, 2L * sample.index() + j, settings(14), piece -> {});
          assertThat(sample.first().get(j).text()).isEqualTo(alone.text());
          assertThat(sample.first().get(j).tokens()).isEqualTo(alone.sampled().size());
          assertSecondTry(generator, sample, j);
        }
      }
    }
  }

  private static void assertSecondTry(Generator generator, AnswerSample sample, int j) {
    ScoredCompletion first = sample.first().get(j);
    int[] tokens =
        generator.promptTokens(QaTemplate.correctionPrompt(sample.query(), first.text(), GUIDE));
    assertThat(sample.second()).hasSize(2 * 3);
    for (int place = 3 * j; place < 3 * j + 3; place++) {
      ScoredCompletion second = sample.second().get(place);
      if (tokens.length > CONTEXT) {
        assertThat(second.finish()).isEqualTo("prompt_too_long");
        assertThat(second.text()).isEqualTo(first.text());
      } else {
        long sequence = (1L << 40) + 6L * sample.index() + place;
        Completion alone = generator.generate(tokens, sequence, settings(9), piece -> {});
        assertThat(second.text()).isEqualTo(alone.text());
      }
    }
  }

  private static GenerationSettings settings(int maxTokens) {
    return new GenerationSettings(
        maxTokens, List.of("\n"), new SamplingSettings(1.2, 0, 0.95, 0, 1, 7));
  }

  @Test
  void answersAreJudgedAsInTraining() throws IOException {
    for (AnswerSample sample : samples("two", 4)) {
      for (ScoredCompletion attempt : sample.first()) {
        assertThat(attempt.right()).isEqualTo(FinalAnswer.isRight(sample.answer(), attempt.text()));
        assertThat(attempt.f1())
            .isEqualTo(OVERLAP.score(sample.query(), sample.answer(), attempt.text()).outcome());
      }
    }
  }

  @Test
  void promptThatDoesNotFitTheContextCountsAsWrongAndIsSaid() throws IOException {
    EvaluationReport report = evaluate(4, directory.resolve("samples.jsonl"), false);

    AnswerSample sample = samples("one", 4).get(5);
    assertThat(sample.first())
        .allSatisfy(
            attempt -> {
              assertThat(attempt.finish()).isEqualTo("prompt_too_long");
              assertThat(attempt.right()).isFalse();
              assertThat(attempt.text()).isEmpty();
            });
    assertThat(report.models().getFirst().notes())
        .contains("one: 2 prompts did not fit its context: they count as wrong.");
  }

  /// What a kill may leave: any beginning of the file.
  @Test
  void resumedRunGivesTheSameFileAndFiguresAsAnUninterruptedOne() throws IOException {
    Path whole = directory.resolve("whole.jsonl");
    EvaluationReport expected = evaluate(2, whole, false);
    byte[] bytes = Files.readAllBytes(whole);

    for (int kept : new int[] {0, 1, bytes.length / 2, bytes.length - 1, bytes.length}) {
      Path killed = directory.resolve("killed-%d.jsonl".formatted(kept));
      Files.write(killed, Arrays.copyOf(bytes, kept));

      assertThat(evaluate(5, killed, true)).isEqualTo(expected);
      assertThat(killed).hasSameBinaryContentAs(whole);
    }
  }

  @Test
  void recordsThatAreJudgedAreNotJudgedAgain() throws IOException {
    Path samples = directory.resolve("samples.jsonl");
    evaluate(4, samples, false);
    String doctored = Files.readString(samples).replaceFirst("\"f1\":[^,}]*", "\"f1\":0.875");
    Files.writeString(samples, doctored);

    evaluate(4, samples, true);

    assertThat(Files.readString(samples)).isEqualTo(doctored);
  }

  @Test
  void samplesOfAnotherRunAreRefused() throws IOException {
    Path samples = directory.resolve("samples.jsonl");
    evaluate(4, samples, false);
    Map<String, ModelLocation> swapped = Map.of("one", ModelLocation.of(path("two")));

    assertThatThrownBy(() -> evaluate(4, samples, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(samples + " already exists; continue it with --resume, or name another file");
    try (SamplesFile<AnswerSample> file = SamplesFile.open(samples, AnswerSample.class, true)) {
      assertThatThrownBy(
              () ->
                  new EvaluationRun(swapped, TinyModel.RUNTIME)
                      .evaluate(evaluation(4), file, UNSEEN))
          .hasMessageContaining(
              "the samples of one were made with other options: the content of model has changed");
      assertThatThrownBy(() -> SamplesFile.open(samples, AnswerSample.class, true))
          .hasMessageContaining("another evaluation is writing it");
    }
    Files.writeString(samples, "{\"step\": 1}\n");
    assertThatThrownBy(() -> evaluate(4, samples, true))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("samples.jsonl:1: is not a sample of this task");
  }

  @Test
  void aFileOfOneLineThatIsNoSampleIsNotTakenForAnUnfinishedOne() throws IOException {
    Path notes = Files.writeString(directory.resolve("notes.txt"), "my notes, without a line end");

    assertThatThrownBy(() -> evaluate(4, notes, true))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("notes.txt:1: is not a sample of this task; name another file");
    assertThat(notes).hasContent("my notes, without a line end");
  }

  @Test
  void reasoningNeedsSomethingToCompareWith() {
    List<QaRecord> bare = List.of(new QaRecord("1+1=", "2", Optional.empty()));
    AnswerSettings settings =
        new AnswerSettings(
            1, 1, GenerationSettings.of(9, SamplingSettings.GREEDY), true, Optional.empty());

    assertThatThrownBy(() -> new AnswerEvaluation(bare, settings))
        .hasMessageContaining("no record has a field \"reasoning\"");
    assertThatThrownBy(() -> new AnswerEvaluation(List.of(), settings))
        .hasMessageContaining("no records");
    assertThatThrownBy(() -> new EvaluationRun(Map.of(), TinyModel.RUNTIME))
        .hasMessageContaining("no model to evaluate; add");
  }
}
