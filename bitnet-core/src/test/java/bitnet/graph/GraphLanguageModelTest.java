package bitnet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.checkpoint.HuggingFaceDirectory;
import bitnet.generation.Sampler;
import bitnet.generation.SamplingSettings;
import bitnet.generation.TokenHistory;
import bitnet.model.ComputeSettings;
import bitnet.model.LanguageModel;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Against what transformers computed (`expected.json`).
class GraphLanguageModelTest {
  private static final Path FIXTURE = Path.of("src/test/resources/fixtures/online-autobitlinear");
  private static final Offset<Float> CLOSE = within(1e-4f);

  private static JsonNode expected;
  private static GraphLanguageModel model;

  @BeforeAll
  static void load() throws IOException {
    expected = new ObjectMapper().readTree(FIXTURE.resolve("expected.json").toFile());
    try (HuggingFaceDirectory directory = HuggingFaceDirectory.open(FIXTURE)) {
      model = GraphLanguageModel.load(directory, new ComputeSettings("cpu", 1));
    }
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static int[] ids(JsonNode list) {
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = list.get(i).intValue();
    }
    return ids;
  }

  private static float[] floats(JsonNode list) {
    float[] floats = new float[list.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = list.get(i).floatValue();
    }
    return floats;
  }

  private static void assertClose(float[] actual, float[] wanted) {
    assertThat(actual).hasSameSizeAs(wanted).containsExactly(wanted, CLOSE);
  }

  @Test
  void theLogitsOfEveryPositionAreThoseOfTransformers() {
    for (int row = 0; row < expected.path("input_ids").size(); row++) {
      float[][] logits = model.logits(ids(expected.path("input_ids").path(row)));
      for (int position = 0; position < logits.length; position++) {
        assertClose(logits[position], floats(expected.path("logits").path(row).path(position)));
      }
    }
  }

  @Test
  void aSequenceReadInPiecesGivesTheLogitsOfTheWhole() {
    int[] ids = ids(expected.path("input_ids").path(1));
    float[][] whole = model.logits(ids);
    for (int[] cuts : new int[][] {{17}, {1, 2, 3, 17}, {5, 16, 17}, {16, 17}}) {
      try (LanguageModel.Session session = model.begin(17)) {
        int from = 0;
        for (int to : cuts) {
          assertClose(session.advance(Arrays.copyOfRange(ids, from, to)), whole[to - 1]);
          assertThat(session.length()).isEqualTo(to);
          from = to;
        }
      }
    }
  }

  @Test
  void greedyDecodingFindsTheTokensOfTransformers() {
    int[] greedy = ids(expected.path("greedy"));
    Sampler sampler = Sampler.of(SamplingSettings.GREEDY);
    List<Integer> tokens = new ArrayList<>();
    try (LanguageModel.Session session = model.begin(64)) {
      float[] logits = session.advance(ids(expected.path("input_ids").path(0)));
      for (int i = 0; i < greedy.length; i++) {
        int token = sampler.sample(logits, new TokenHistory(), 0).id();
        tokens.add(token);
        logits = session.advance(token);
      }
    }
    assertThat(tokens).containsExactlyElementsOf(Arrays.stream(greedy).boxed().toList());
  }

  @Test
  void twoSequencesDoNotDisturbEachOther() {
    int[] first = ids(expected.path("input_ids").path(0));
    int[] second = ids(expected.path("input_ids").path(1));
    try (LanguageModel.Session one = model.begin(17);
        LanguageModel.Session two = model.begin(17)) {
      float[] ofOne = {};
      float[] ofTwo = {};
      for (int i = 0; i < first.length; i++) {
        ofOne = one.advance(first[i]);
        ofTwo = two.advance(second[i]);
      }
      assertClose(ofOne, floats(expected.path("logits").path(0).path(16)));
      assertClose(ofTwo, floats(expected.path("logits").path(1).path(16)));
    }
  }

  @Test
  void whatCannotBeReadIsRefusedAndTheSequenceStaysAsItWas() {
    try (LanguageModel.Session session = model.begin(3)) {
      float[] logits = session.advance(1, 2);
      assertRefused(() -> session.advance(119), "token id 119 is outside", "use 0 to 118");
      assertRefused(() -> session.advance(-1), "token id -1 is outside", "use 0 to 118");
      assertRefused(() -> session.advance(), "no tokens", "at least one");
      assertRefused(() -> session.advance(1, 2), "4 tokens do not fit", "larger capacity");
      assertThat(session.length()).isEqualTo(2);
      assertThat(logits).hasSize(119);
    }
    assertRefused(() -> model.begin(0), "capacity of 0", "context of 128");
    assertRefused(() -> model.begin(129), "capacity of 129", "context of 128");
    assertRefused(() -> model.logits(new int[129]), "129 tokens do not fit", "context of 128");
  }

  private static void assertRefused(Runnable action, String reason, String remedy) {
    assertThatThrownBy(action::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason)
        .hasMessageContaining(remedy);
  }

  @Test
  void unknownDevicesAndThreadCountsAreRefused() {
    assertRefused(() -> new ComputeSettings("cpu", 0), "threads 0", "use ");
    try (HuggingFaceDirectory directory = HuggingFaceDirectory.open(FIXTURE)) {
      assertThatThrownBy(() -> GraphLanguageModel.load(directory, new ComputeSettings("abacus", 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("abacus");
    } catch (IOException failure) {
      throw new AssertionError(failure);
    }
  }
}
