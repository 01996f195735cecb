package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.model.LogSoftmax;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
  private static final BitSet NOTHING = new BitSet();
  private static final int DRAWS = 4000;

  private static SamplingSettings settings(
      double temperature, int topK, double topP, double minP, double penalty) {
    return new SamplingSettings(temperature, topK, topP, minP, penalty, 0);
  }

  private static float[] randomLogits(int vocab, long seed) {
    Random random = new Random(seed);
    float[] logits = new float[vocab];
    for (int id = 0; id < vocab; id++) {
      logits[id] = (float) random.nextGaussian() * 3;
    }
    return logits;
  }

  private static BitSet seen(int... ids) {
    BitSet seen = new BitSet();
    Arrays.stream(ids).forEach(seen::set);
    return seen;
  }

  private static TokenHistory history(BitSet seen) {
    return new TokenHistory(seen.stream().toArray());
  }

  /// The probabilities by the definitions in transformers, written down without regard to speed.
  private static double[] definition(float[] logits, BitSet seen, SamplingSettings settings) {
    int vocab = logits.length;
    double[] scores = new double[vocab];
    for (int id = 0; id < vocab; id++) {
      double penalty = seen.get(id) ? settings.repetitionPenalty() : 1;
      double score = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
      scores[id] = score / settings.temperature();
    }
    if (settings.topK() > 0) {
      double[] sorted = scores.clone();
      Arrays.sort(sorted);
      double least = sorted[Math.max(0, vocab - settings.topK())];
      keep(scores, id -> scores[id] >= least);
    }
    double[] beforeTopP = softmax(scores);
    List<Integer> ranking = ranking(scores);
    Set<Integer> nucleus = new TreeSet<>();
    double sum = 0;
    for (int id : ranking) {
      if (sum < settings.topP()) {
        nucleus.add(id);
      }
      sum += beforeTopP[id];
    }
    keep(scores, nucleus::contains);
    double[] beforeMinP = softmax(scores);
    double highest = Arrays.stream(beforeMinP).max().orElseThrow();
    keep(scores, id -> beforeMinP[id] >= settings.minP() * highest);
    return softmax(scores);
  }

  private static void keep(double[] scores, IntPredicate kept) {
    for (int id = 0; id < scores.length; id++) {
      if (!kept.test(id)) {
        scores[id] = Double.NEGATIVE_INFINITY;
      }
    }
  }

  private static List<Integer> ranking(double[] scores) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer id) -> -scores[id]).thenComparing(id -> id))
        .toList();
  }

  private static double[] softmax(double[] scores) {
    double[] weights = Arrays.stream(scores).map(Math::exp).toArray();
    double mass = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(weight -> weight / mass).toArray();
  }

  /// The token and its log-probability over a fine grid of the random number.
  private static Map<Integer, List<SampledToken>> draws(
      SamplingSettings settings, float[] logits, BitSet seen) {
    Map<Integer, List<SampledToken>> draws = new TreeMap<>();
    Sampler sampler = Sampler.of(settings);
    for (int i = 0; i < DRAWS; i++) {
      SampledToken token = sampler.sample(logits, history(seen), (i + 0.5) / DRAWS);
      draws.computeIfAbsent(token.id(), id -> new ArrayList<>()).add(token);
    }
    return draws;
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, 1, 0, 1",
    "0.7, 0, 1, 0, 1",
    "2.5, 0, 1, 0, 1",
    "1, 1, 1, 0, 1",
    "1, 7, 1, 0, 1",
    "1, 1000, 1, 0, 1",
    "1, 0, 0.9, 0, 1",
    "1, 0, 0.0001, 0, 1",
    "1, 0, 1, 0.1, 1",
    "1, 0, 1, 0, 1.3",
    "1, 0, 1, 0, 0.8",
    "0.8, 12, 0.8, 0.05, 1.2",
    "1.5, 20, 0.95, 0.2, 1.1",
  })
  void tokensAreDrawnAsOftenAsTheDefinitionSays(
      double temperature, int topK, double topP, double minP, double penalty) {
    SamplingSettings settings = settings(temperature, topK, topP, minP, penalty);
    BitSet seen = seen(0, 3, 4, 11, 29);
    for (long seed = 0; seed < 5; seed++) {
      float[] logits = randomLogits(30, seed);
      double[] expected = definition(logits, seen, settings);
      Map<Integer, List<SampledToken>> draws = draws(settings, logits, seen);
      for (int id = 0; id < logits.length; id++) {
        List<SampledToken> drawn = draws.getOrDefault(id, List.of());
        // the grid meets an interval of length p between floor(p n) and ceil(p n) times
        assertThat((double) drawn.size() / DRAWS).isCloseTo(expected[id], within(1.01 / DRAWS));
        for (SampledToken token : drawn) {
          assertThat(token.logProbability()).isCloseTo(Math.log(expected[id]), within(1e-5));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.5, 1})
  void theModelsOwnLogProbabilityIgnoresEverySetting(double temperature) {
    float[] logits = randomLogits(50, 7);
    double[] model = definition(logits, NOTHING, settings(1, 0, 1, 0, 1));
    Sampler sampler = Sampler.of(settings(temperature, 5, 0.9, 0.01, 1.5));
    for (double uniform : new double[] {0, 0.3, 0.6, 0.999}) {
      SampledToken token = sampler.sample(logits, new TokenHistory(1, 2, 3), uniform);
      assertThat(token.modelLogProbability()).isCloseTo(Math.log(model[token.id()]), within(1e-9));
    }
  }

  @Test
  void withoutSettingsBothLogProbabilitiesAreTheSame() {
    SampledToken token =
        Sampler.of(settings(1, 0, 1, 0, 1)).sample(randomLogits(100, 1), new TokenHistory(), 0.4);
    assertThat(token.logProbability()).isCloseTo(token.modelLogProbability(), within(1e-6));
  }

  @Test
  void greedyTakesTheHighestLogitAndOfEqualsTheLowestId() {
    Sampler greedy = Sampler.of(SamplingSettings.GREEDY);
    SampledToken token = greedy.sample(new float[] {1, 4, -2, 4}, new TokenHistory(), 0.99);
    assertThat(token.id()).isEqualTo(1);
    assertThat(token.logProbability()).isZero();
    double mass = Math.exp(1) + 2 * Math.exp(4) + Math.exp(-2);
    assertThat(token.modelLogProbability()).isCloseTo(4 - Math.log(mass), within(1e-12));
  }

  @Test
  void theRepetitionPenaltyMovesAGreedyChoiceAwayFromWhatWasSeen() {
    Sampler sampler = Sampler.of(settings(0, 0, 1, 0, 2));
    assertThat(sampler.sample(new float[] {3, 4}, new TokenHistory(1), 0).id()).isZero();
    assertThat(sampler.sample(new float[] {-3, -2}, new TokenHistory(1), 0).id()).isZero();
    assertThat(sampler.sample(new float[] {-3, -2}, new TokenHistory(0), 0).id()).isOne();
  }

  /// OpenAI: `logit - c * frequency - (c > 0) * presence`, after the bias, of drawn tokens only.
  @ParameterizedTest
  @CsvSource({
    "0.5, 0, 0, '2.5, 0.5, -1.5, 1'",
    "0, 0.75, 0, '2.5, 0.75, -1.75, 1'",
    "-1, 0.25, 0, '2.5, 3.25, -0.25, 1'",
    "0.5, 0.25, 3, '5.5, 0.25, -1.75, 4'",
    "0, 0, -100, '-97.5, 1.5, -1, -99'",
  })
  void penaltiesAndBiasChangeLogitsAsOpenAiDefines(
      double frequency, double presence, double bias, String expected) {
    TokenHistory history = new TokenHistory(0, 3); // a prompt is not penalized
    history.draw(1);
    history.draw(1);
    history.draw(2);
    float[] logits = {2.5f, 1.5f, -1, 1};
    SamplingSettings settings =
        settings(1, 0, 1, 0, 1)
            .withAdjustments(new LogitAdjustments(frequency, presence, Map.of(0, bias, 3, bias)));
    double[] scores = Stream.of(expected.split(", ")).mapToDouble(Double::parseDouble).toArray();

    assertThat(LogitMath.adjusted(logits, history, settings, null))
        .containsExactly(
            Arrays.stream(scores).mapToObj(score -> (float) score).toArray(Float[]::new));
    double[] probabilities = softmax(scores);
    for (int i = 0; i < 50; i++) {
      SampledToken token = Sampler.of(settings).sample(logits, history, (i + 0.5) / 50);
      assertThat(token.logProbability())
          .isCloseTo(Math.log(probabilities[token.id()]), within(1e-5));
      assertThat(token.modelLogProbability())
          .isCloseTo(LogSoftmax.at(logits, token.id()), within(1e-9));
    }
    assertThat(Sampler.of(settings.withTemperature(0)).sample(logits, history, 0).id())
        .isEqualTo(LogitMath.best(LogitMath.adjusted(logits, history, settings, null)));
  }

  @Test
  void theBiasComesBeforeTheRepetitionPenaltyAndThatBeforeTheOthers() {
    TokenHistory history = new TokenHistory();
    history.draw(0);
    SamplingSettings settings =
        settings(1, 0, 1, 0, 2).withAdjustments(new LogitAdjustments(0.25, 0.5, Map.of(0, 3.0)));

    // (1 + 3) / 2 - 0.25 - 0.5
    assertThat(LogitMath.adjusted(new float[] {1, 1}, history, settings, null))
        .containsExactly(1.25f, 1);
  }

  @Test
  void aBiasOutsideTheVocabularyAndPenaltiesOutOfRangeAreRefused() {
    SamplingSettings settings =
        SamplingSettings.GREEDY.withAdjustments(new LogitAdjustments(0, 0, Map.of(2, 1.0)));
    assertThatThrownBy(() -> Sampler.of(settings).sample(new float[] {0, 1}, new TokenHistory(), 0))
        .hasMessage("logit_bias has the token id 2, which is outside the vocabulary; use 0 to 1");
    assertThatThrownBy(() -> new LogitAdjustments(2.5, 0, Map.of()))
        .hasMessage("frequency_penalty 2.5 is not from -2 to 2; use 0 for none");
    assertThatThrownBy(() -> new LogitAdjustments(0, Double.NaN, Map.of()))
        .hasMessageStartingWith("presence_penalty NaN");
    assertThatThrownBy(() -> new LogitAdjustments(0, 0, Map.of(7, -101.0)))
        .hasMessage("logit_bias of token 7 -101.0 is not from -100 to 100; use 0 for none");
  }

  @Test
  void topKKeepsEqualsOfTheLastTokenAndTopPTheLowestIds() {
    float[] logits = {0, 1, 1, 1, 0};
    assertThat(draws(settings(1, 1, 1, 0, 1), logits, NOTHING).keySet()).containsExactly(1, 2, 3);
    assertThat(draws(settings(1, 0, 0.4, 0, 1), logits, NOTHING).keySet()).containsExactly(1, 2);
  }

  @Test
  void tokensWithALogitOfMinusInfinityAreNeverDrawn() {
    float[] logits = {Float.NEGATIVE_INFINITY, 0, Float.NEGATIVE_INFINITY, 0};
    for (int topK : new int[] {0, 3}) {
      SamplingSettings settings = settings(1, topK, 1, 0, 1.5);
      assertThat(draws(settings, logits, seen(0, 1)).keySet()).containsExactly(1, 3);
    }
  }

  @Test
  void extremeTemperaturesAndLogitsStayFinite() {
    float[] logits = {3e38f, -3e38f, 1, 0};
    for (double temperature : new double[] {1e-300, 1e-3, 1, 100}) {
      SampledToken token =
          Sampler.of(settings(temperature, 0, 0.99, 0, 1))
              .sample(logits, new TokenHistory(), 0.9999);
      assertThat(token).isEqualTo(new SampledToken(0, 0, 0));
    }
  }

  @Test
  void theLogitsStayAsTheyWere() {
    float[] logits = randomLogits(20, 3);
    float[] before = logits.clone();
    Sampler.of(settings(0.5, 3, 0.9, 0.1, 1.3)).sample(logits, new TokenHistory(1, 2), 0.5);
    Sampler.of(settings(0, 0, 1, 0, 1.3)).sample(logits, new TokenHistory(1, 2), 0.5);
    assertThat(logits).containsExactly(before);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1})
  void logitsThatAreNoNumbersAreRefusedWithToken(double temperature) {
    Sampler sampler = Sampler.of(settings(temperature, 0, 1, 0, 1));
    assertThatThrownBy(() -> sampler.sample(new float[] {0, 1, Float.NaN}, new TokenHistory(), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("logit of token 2 is NaN")
        .hasMessageContaining("damaged");
    assertThatThrownBy(
            () -> sampler.sample(new float[] {0, Float.POSITIVE_INFINITY}, new TokenHistory(), 0))
        .hasMessageContaining("logit of token 1 is Infinity");
    assertThatThrownBy(
            () -> sampler.sample(new float[] {Float.NEGATIVE_INFINITY}, new TokenHistory(), 0))
        .hasMessageContaining("all 1 logits are minus infinity");
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 0, 1, 0, 1, temperature -1.0",
    "NaN, 0, 1, 0, 1, temperature NaN",
    "1, -1, 1, 0, 1, top_k -1",
    "1, 0, 0, 0, 1, top_p 0.0",
    "1, 0, 1.1, 0, 1, top_p 1.1",
    "1, 0, 1, 1, 1, min_p 1.0",
    "1, 0, 1, -0.1, 1, min_p -0.1",
    "1, 0, 1, 0, 0, repetition_penalty 0.0",
  })
  void aSettingOutOfRangeIsNamedWithARemedy(
      double temperature, int topK, double topP, double minP, double penalty, String message) {
    assertThatThrownBy(() -> settings(temperature, topK, topP, minP, penalty))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message)
        .hasMessageContaining("; use ");
  }
}
