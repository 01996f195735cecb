package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.checkpoint.HuggingFaceDirectory;
import bitnet.graph.GraphLanguageModel;
import bitnet.model.ComputeSettings;
import bitnet.model.LanguageModel;
import bitnet.runtime.RuntimeSettings;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A model that transformers wrote, with a tokenizer whose words are `w0`, `w1`, ... for its ids.
class TextModelTest {
  private static final Path FIXTURE = Path.of("src/test/resources/fixtures/online-autobitlinear");
  private static final RuntimeSettings ONE_THREAD = RuntimeSettings.exact().withThreads(1);
  private static final int VOCAB = 119;

  @TempDir private static Path directory;
  private static JsonNode expected;
  private static TextModel model;

  @BeforeAll
  static void open() throws IOException {
    expected = new ObjectMapper().readTree(FIXTURE.resolve("expected.json").toFile());
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(FIXTURE.resolve(name), directory.resolve(name));
    }
    String vocabulary =
        IntStream.range(0, VOCAB)
            .mapToObj("\"w%1$d\": %1$d"::formatted)
            .collect(Collectors.joining(", "));
    Files.writeString(
        directory.resolve("tokenizer.json"),
        """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
         "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
         "post_processor": null, "decoder": null,
         "model": {"type": "WordLevel", "unk_token": "w0", "vocab": {%s}}}
        """
            .formatted(vocabulary));
    model = TextModel.open(directory, "cpu", ONE_THREAD);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static List<Integer> numbers(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::intValue).toList();
  }

  private static String words(List<Integer> ids) {
    return ids.stream().map("w%d"::formatted).collect(Collectors.joining(" "));
  }

  private static String prompt(int row) {
    return words(numbers(expected.path("input_ids").path(row)));
  }

  private static Completion generate(
      int row, long sequence, int maxTokens, SamplingSettings sampling) {
    Generator generator = model.generator();
    return generator.generate(
        generator.promptTokens(prompt(row)),
        sequence,
        GenerationSettings.of(maxTokens, sampling),
        piece -> {});
  }

  private static SamplingSettings sampling(double temperature, double penalty, long seed) {
    return new SamplingSettings(temperature, 0, 1, 0, penalty, seed);
  }

  @Test
  void greedyTextIsThatOfTransformersAndIsStreamedAsItComes() {
    List<Integer> greedy = numbers(expected.path("greedy"));
    StringBuilder streamed = new StringBuilder();
    Completion completion =
        model
            .generator()
            .generate(
                prompt(0),
                GenerationSettings.of(greedy.size(), SamplingSettings.GREEDY),
                streamed::append);
    assertThat(completion.tokens()).containsExactly(greedy.toArray(Integer[]::new));
    assertThat(completion.text().strip()).isEqualTo(words(greedy));
    assertThat(streamed.toString()).isEqualTo(completion.text());
    assertThat(completion.finish()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void theSameSeedAndSequenceGiveTheSameTextWhateverIsGeneratedBeside() {
    List<int[]> forwards = new ArrayList<>();
    for (int sequence = 0; sequence < 4; sequence++) {
      forwards.add(generate(0, sequence, 12, sampling(1, 1, 3)).tokens());
    }
    for (int sequence = 3; sequence >= 0; sequence--) {
      generate(1, sequence, 3, sampling(2, 1, 9));
      assertThat(generate(0, sequence, 12, sampling(1, 1, 3)).tokens())
          .containsExactly(forwards.get(sequence));
    }
    forwards.add(generate(0, 0, 12, sampling(1, 1, 4)).tokens());
    Set<String> distinct = forwards.stream().map(Arrays::toString).collect(Collectors.toSet());
    assertThat(distinct).hasSize(5);
  }

  @Test
  void modelLogProbabilitiesAreThoseOfTheWholeTextReadAtOnce() throws IOException {
    Completion completion = generate(1, 0, 20, sampling(0.7, 1, 1));
    List<Integer> all = new ArrayList<>(numbers(expected.path("input_ids").path(1)));
    int first = all.size();
    for (int token : completion.tokens()) {
      all.add(token);
    }
    float[][] logits;
    try (HuggingFaceDirectory directory = HuggingFaceDirectory.open(FIXTURE);
        GraphLanguageModel graph =
            GraphLanguageModel.load(directory, new ComputeSettings("cpu", 1))) {
      logits = graph.logits(all.stream().mapToInt(Integer::intValue).toArray());
    }
    for (int i = 0; i < completion.tokens().length; i++) {
      double mass = 0;
      for (float logit : logits[first + i - 1]) {
        mass += Math.exp(logit);
      }
      double wanted = logits[first + i - 1][completion.tokens()[i]] - Math.log(mass);
      assertThat(completion.modelLogProbabilities()[i]).isCloseTo(wanted, within(1e-4));
    }
  }

  @Test
  void theRepetitionPenaltyCountsPromptAndCompletion() {
    int steps = 12;
    List<Integer> prompt = numbers(expected.path("input_ids").path(0));
    Set<Integer> seen = new HashSet<>(prompt);
    List<Integer> wanted = new ArrayList<>();
    try (LanguageModel.Session session = model.model().begin(64)) {
      float[] logits = session.advance(prompt.stream().mapToInt(Integer::intValue).toArray());
      for (int step = 0; step < steps; step++) {
        int best = 0;
        for (int id = 0; id < VOCAB; id++) {
          if (seen.contains(id)) {
            logits[id] = logits[id] > 0 ? logits[id] / 3 : logits[id] * 3;
          }
          best = logits[id] > logits[best] ? id : best;
        }
        wanted.add(best);
        seen.add(best);
        logits = session.advance(best);
      }
    }
    assertThat(generate(0, 0, steps, sampling(0, 3, 0)).tokens())
        .containsExactly(wanted.toArray(Integer[]::new))
        .isNotEqualTo(generate(0, 0, steps, SamplingSettings.GREEDY).tokens());
  }

  @Test
  void theEndTokenOfTheConfigEndsAText() {
    int end = 2; // eos_token_id of config.json
    SamplingSettings wild = sampling(3, 1, 0);
    long sequence = 0;
    Completion completion = generate(0, sequence, 100, wild);
    while (completion.finish() != FinishReason.EOS) {
      completion = generate(0, ++sequence, 100, wild);
      assertThat(completion.tokens()).hasSizeLessThanOrEqualTo(100);
      assertThat(sequence).isLessThan(50);
    }
    assertThat(completion.tokens()).endsWith(end);
    assertThat(completion.text()).doesNotContain("w2 ").doesNotEndWith("w2");
  }

  @Test
  void aDirectoryWithoutTokenizerIsRefusedInOneLine() {
    assertThatThrownBy(() -> TextModel.open(FIXTURE, "cpu", ONE_THREAD))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tokenizer.json")
        .hasMessageNotContaining("\n");
  }

  @Test
  void manyThreadsGetTheTextsThatOneWouldGet() throws Exception {
    SamplingSettings sampling = sampling(1, 1, 5);
    List<Completion> expected =
        IntStream.range(0, 6).mapToObj(i -> generate(0, i, 12, sampling)).toList();
    try (ExecutorService threads = Executors.newFixedThreadPool(6)) {
      List<Future<Completion>> completions = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        int sequence = i;
        completions.add(threads.submit(() -> generate(0, sequence, 12, sampling)));
      }
      for (int i = 0; i < 6; i++) {
        assertThat(completions.get(i).get().sampled()).isEqualTo(expected.get(i).sampled());
      }
    }
  }

  @Test
  void closedModelSaysSo() throws IOException {
    TextModel closed = TextModel.open(directory, "cpu", ONE_THREAD);
    closed.close();
    closed.close();

    assertThatThrownBy(
            () ->
                closed
                    .generator()
                    .generate(
                        new int[] {1},
                        0,
                        GenerationSettings.of(2, SamplingSettings.GREEDY),
                        piece -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the model is closed");
  }
}
