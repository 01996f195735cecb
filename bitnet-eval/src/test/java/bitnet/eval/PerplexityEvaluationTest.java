package bitnet.eval;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.checkpoint.ModelLocation;
import bitnet.checkpoint.ModelSource;
import bitnet.data.BadRecordPolicy;
import bitnet.data.LossMask;
import bitnet.data.Packing;
import bitnet.data.TextFormat;
import bitnet.graph.GraphLanguageModel;
import bitnet.model.ComputeSettings;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PerplexityEvaluationTest {
  private static final int CONTEXT = 48;
  private static final String TEXT =
      "Now is the winter of our discontent\nMade glorious summer by this sun of York;\n" + "é€";
  private static final EvaluationRun.Progress UNSEEN = (model, done, size) -> {};

  @TempDir private static Path directory;
  private static Path model;
  private static Path text;

  @BeforeAll
  static void make() throws IOException {
    model = TinyModel.make(directory.resolve("model"), CONTEXT, 3);
    text = Files.writeString(directory.resolve("text.txt"), TEXT);
  }

  private static PerplexityEvaluation evaluation(
      Path file, OptionalInt context, OptionalInt stride, int batchSize) {
    return new PerplexityEvaluation(
        file,
        TextFormat.DOCUMENT,
        BadRecordPolicy.STOP,
        LossMask.NONE,
        Packing.STREAM,
        context,
        stride,
        batchSize);
  }

  private static Map<String, Double> figures(
      PerplexityEvaluation evaluation, RuntimeSettings runtime) throws IOException {
    EvaluationReport report =
        new EvaluationRun(Map.of("m", ModelLocation.of(model)), runtime)
            .evaluate(evaluation, SamplesFile.none(), UNSEEN);
    Map<String, Double> figures = new LinkedHashMap<>();
    report.models().getFirst().metrics().forEach(it -> figures.put(it.name(), it.value()));
    return figures;
  }

  /// By the graph that trains: -ln p of the tokens after the first of a window, which ends
  /// before `end`.
  private static double[] graphLosses(int start, int end) throws IOException {
    byte[] bytes = TEXT.getBytes(UTF_8);
    int[] tokens = IntStream.range(start, end).map(i -> Byte.toUnsignedInt(bytes[i])).toArray();
    try (ModelSource source = ModelSource.open(model);
        GraphLanguageModel graph =
            GraphLanguageModel.load(source.weights(), new ComputeSettings("cpu", 1))) {
      float[][] logits = graph.logits(Arrays.copyOf(tokens, tokens.length - 1));
      double[] losses = new double[tokens.length - 1];
      for (int i = 0; i < losses.length; i++) {
        double mass = 0;
        for (float logit : logits[i]) {
          mass += Math.exp(logit);
        }
        losses[i] = Math.log(mass) - logits[i][Byte.toUnsignedInt(bytes[start + i + 1])];
      }
      return losses;
    }
  }

  @Test
  void windowOverEverythingGivesTheMeanLossOfTheGraph() throws IOException {
    Path start = Files.writeString(directory.resolve("start.txt"), TEXT.substring(0, CONTEXT + 1));
    Map<String, Double> figures =
        figures(evaluation(start, OptionalInt.empty(), OptionalInt.empty(), 1), TinyModel.RUNTIME);

    double mean = Arrays.stream(graphLosses(0, CONTEXT + 1)).average().orElseThrow();
    assertThat(figures.get("nats_per_token")).isCloseTo(mean, within(1e-3));
    assertThat(figures.get("perplexity")).isCloseTo(Math.exp(mean), within(0.3));
    assertThat(figures.get("nats_per_byte")).isEqualTo(figures.get("nats_per_token"));
    assertThat(figures.get("bits_per_byte")).isCloseTo(mean / Math.log(2), within(2e-3));
    assertThat(figures.get("tokens")).isEqualTo(CONTEXT);
    assertThat(figures.get("bytes")).isEqualTo(CONTEXT + 1);
  }

  @Test
  void windowsForetellEveryTokenButTheFirstOnce() {
    for (int context : new int[] {1, 2, 5, 7, 40}) {
      for (int stride = 1; stride <= context; stride++) {
        for (int last = 1; last < 30; last++) {
          var windows = new TokenWindows.Sliding(context, stride, last);
          int next = 1;
          for (int i = 0; i < windows.count(); i++) {
            assertThat(windows.first(i)).isEqualTo(next);
            assertThat(windows.end(i)).isGreaterThanOrEqualTo(next).isLessThanOrEqualTo(last);
            assertThat(windows.end(i) - windows.start(i)).isBetween(1, context);
            next = windows.end(i) + 1;
          }
          assertThat(next).isEqualTo(last + 1);
        }
      }
    }
  }

  /// Windows of 32 that start every 10 tokens: a token belongs to the first that has it.
  @Test
  void slidingWindowGivesEachTokenTheContextOfItsWindow() throws IOException {
    int length = TEXT.getBytes(UTF_8).length;
    double sum = 0;
    int next = 1;
    for (int start = 0; next < length; start += 10) {
      int end = Math.min(length, start + 32 + 1);
      double[] losses = graphLosses(start, end);
      sum += Arrays.stream(losses, next - start - 1, losses.length).sum();
      next = end;
    }

    Map<String, Double> figures =
        figures(evaluation(text, OptionalInt.of(32), OptionalInt.of(10), 2), TinyModel.RUNTIME);

    assertThat(figures.get("nats_per_token")).isCloseTo(sum / (length - 1), within(1e-3));
    assertThat(figures.get("tokens")).isEqualTo(length - 1);
  }

  @Test
  void figuresAreTheSameWhateverTheBatchAndAfterAKill() throws IOException {
    Path samples = directory.resolve("samples.jsonl");
    Map<String, ModelLocation> models = Map.of("m", ModelLocation.of(model));
    EvaluationReport alone =
        new EvaluationRun(models, TinyModel.RUNTIME)
            .evaluate(
                evaluation(text, OptionalInt.of(8), OptionalInt.of(3), 1),
                SamplesFile.none(),
                UNSEEN);
    for (boolean resume : List.of(false, true)) {
      try (SamplesFile<PerplexitySample> file =
          SamplesFile.open(samples, PerplexitySample.class, resume)) {
        assertThat(
                new EvaluationRun(models, TinyModel.RUNTIME)
                    .evaluate(
                        evaluation(text, OptionalInt.of(8), OptionalInt.of(3), 5), file, UNSEEN))
            .isEqualTo(alone);
      }
      byte[] bytes = Files.readAllBytes(samples);
      Files.write(samples, Arrays.copyOf(bytes, bytes.length / 3));
    }
  }

  @ParameterizedTest
  @CsvSource({"INT8", "INT4"})
  void headInFewerBitsChangesTheFiguresALittle(LmHeadType head) throws IOException {
    RuntimeSettings exact = TinyModel.RUNTIME;
    RuntimeSettings fewer = new RuntimeSettings(1, exact.kernel(), head, exact.cache());
    PerplexityEvaluation evaluation = evaluation(text, OptionalInt.empty(), OptionalInt.empty(), 4);

    double whole = figures(evaluation, exact).getOrDefault("nats_per_token", 0.0);
    double rounded = figures(evaluation, fewer).getOrDefault("nats_per_token", 0.0);

    assertThat(rounded).isNotEqualTo(whole).isCloseTo(whole, within(0.05));
  }

  @Test
  void lineBreakBetweenExamplesCountsAsAByteAsItCountsAsATokenToPredict() throws IOException {
    Path lines = Files.writeString(directory.resolve("lines.txt"), "one\ntwo\nthree\n");
    PerplexityEvaluation evaluation =
        new PerplexityEvaluation(
            lines,
            TextFormat.LINES,
            BadRecordPolicy.STOP,
            LossMask.NONE,
            Packing.STREAM,
            OptionalInt.empty(),
            OptionalInt.empty(),
            1);

    Map<String, Double> figures = figures(evaluation, TinyModel.RUNTIME);

    assertThat(figures.get("tokens")).isEqualTo(13); // 14 bytes, the first is not predicted
    assertThat(figures.get("bytes")).isEqualTo(14);
    assertThat(figures.get("nats_per_byte")).isEqualTo(figures.get("nats_per_token"));
  }

  private static PerplexityEvaluation records(Path file, OptionalInt context, LossMask mask) {
    return new PerplexityEvaluation(
        file,
        TextFormat.LINES,
        BadRecordPolicy.STOP,
        mask,
        Packing.RECORDS,
        context,
        OptionalInt.empty(),
        2);
  }

  @Test
  void recordsAreReadOneByOneFromTheirBeginning() throws IOException {
    Path lines = Files.writeString(directory.resolve("records.txt"), TEXT);
    int second = TEXT.indexOf('\n') + 1;
    int third = TEXT.indexOf('\n', second) + 1;

    Map<String, Double> figures =
        figures(records(lines, OptionalInt.empty(), LossMask.NONE), TinyModel.RUNTIME);
    Map<String, Double> cut =
        figures(records(lines, OptionalInt.of(10), LossMask.NONE), TinyModel.RUNTIME);

    double first = Arrays.stream(graphLosses(0, second)).sum();
    double middle = Arrays.stream(graphLosses(second, third)).sum();
    assertThat(figures.get("tokens")).isEqualTo(third - 2 + 5); // the last are 5 bytes and a break
    assertThat(cut.get("tokens")).isEqualTo(10 + 10 + 5);
    Path two = Files.writeString(directory.resolve("two.txt"), TEXT.substring(0, third));
    assertThat(
            figures(records(two, OptionalInt.empty(), LossMask.NONE), TinyModel.RUNTIME)
                .get("nats_per_token"))
        .isCloseTo((first + middle) / (third - 2), within(1e-3));
  }

  @Test
  void recordsHaveNoStride() {
    assertThatThrownBy(
            () ->
                new PerplexityEvaluation(
                    text,
                    TextFormat.LINES,
                    BadRecordPolicy.STOP,
                    LossMask.NONE,
                    Packing.RECORDS,
                    OptionalInt.empty(),
                    OptionalInt.of(4),
                    1))
        .hasMessageContaining("stride 4 has no effect with packing records");
  }

  @Test
  void whatCannotBeReadIsRefused() throws IOException {
    Path letter = Files.writeString(directory.resolve("letter.txt"), "a");

    assertThatThrownBy(
            () ->
                figures(
                    evaluation(text, OptionalInt.of(49), OptionalInt.empty(), 1),
                    TinyModel.RUNTIME))
        .hasMessage("context 49 is not from 1 to the 48 of m; use 48");
    assertThatThrownBy(
            () ->
                figures(
                    evaluation(text, OptionalInt.of(8), OptionalInt.of(9), 1), TinyModel.RUNTIME))
        .hasMessageContaining("stride 9 is not from 1 to the context of 8");
    assertThatThrownBy(
            () ->
                figures(
                    evaluation(letter, OptionalInt.empty(), OptionalInt.empty(), 1),
                    TinyModel.RUNTIME))
        .hasMessageContaining("letter.txt has 1 tokens");
  }
}
