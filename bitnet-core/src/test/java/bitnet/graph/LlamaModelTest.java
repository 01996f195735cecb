package bitnet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.HuggingFaceDirectory;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The graph against transformers' BitNetForCausalLM (grouped-query attention, sub-norms, relu²).
class LlamaModelTest {

  private static final Path FIXTURE = Path.of("src/test/resources/fixtures/online-autobitlinear");

  private NDManager manager;
  private JsonNode expected;
  private LlamaModel model;
  private long[][] ids;

  @BeforeEach
  void load() throws IOException {
    TorchOps.prepareThread(2);
    manager = NDManager.newBaseManager();
    ObjectMapper mapper = new ObjectMapper();
    expected = mapper.readTree(FIXTURE.resolve("expected.json").toFile());
    ids = mapper.convertValue(expected.get("input_ids"), long[][].class);
    try (HuggingFaceDirectory directory = HuggingFaceDirectory.open(FIXTURE)) {
      model = LlamaModel.load(directory, manager, ComputeType.FP32);
    }
  }

  @AfterEach
  void close() {
    manager.close();
  }

  @Test
  void logitsEqualThoseOfTransformers() {
    float[] logits = model.logits(manager, manager.create(ids)).toFloatArray();
    int i = 0;
    for (JsonNode sequence : expected.get("logits")) {
      for (JsonNode position : sequence) {
        for (JsonNode logit : position) {
          assertThat(logits[i++]).isCloseTo(logit.floatValue(), within(1e-4f));
        }
      }
    }
    assertThat(i).isEqualTo(logits.length);
  }

  @Test
  void greedyTokensThroughTheCacheEqualThoseOfTransformersWithoutOne() {
    List<Integer> greedy = new ArrayList<>();
    try (GraphCache cache = model.newCache(1, 64)) {
      long[][] next = {ids[0]};
      for (int step = 0; step < 16; step++) {
        try (NDManager scope = manager.newSubManager()) {
          int token = argMax(model.decode(scope, scope.create(next), cache).toFloatArray());
          greedy.add(token);
          next = new long[][] {{token}};
        }
      }
      assertThat(cache.length()).isEqualTo(17 + 15);
    }
    List<Integer> wanted = new ArrayList<>();
    expected.get("greedy").forEach(token -> wanted.add(token.intValue()));
    assertThat(greedy).isEqualTo(wanted);
  }

  private static int argMax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  @Test
  void aPrefillInPiecesGivesTheLogitsOfOneInWhole() {
    float[] whole = model.logits(manager, manager.create(ids)).toFloatArray();
    int vocab = model.config().vocabSize();
    try (GraphCache cache = model.newCache(2, 17)) {
      model.decode(manager, manager.create(columns(0, 5)), cache);
      float[] last = model.decode(manager, manager.create(columns(5, 17)), cache).toFloatArray();
      for (int row = 0; row < 2; row++) {
        for (int token = 0; token < vocab; token++) {
          assertThat(last[row * vocab + token])
              .isCloseTo(whole[(row * 17 + 16) * vocab + token], within(1e-4f));
        }
      }
    }
  }

  private long[][] columns(int from, int to) {
    return new long[][] {
      Arrays.copyOfRange(ids[0], from, to), Arrays.copyOfRange(ids[1], from, to)
    };
  }

  @Test
  void aTokenDoesNotChangeTheLogitsBeforeIt() {
    float[] before = model.logits(manager, manager.create(ids)).toFloatArray();
    ids[0][16] = (ids[0][16] + 1) % model.config().vocabSize();
    float[] after = model.logits(manager, manager.create(ids)).toFloatArray();
    int vocab = model.config().vocabSize();
    assertThat(Arrays.copyOf(after, 16 * vocab)).containsExactly(Arrays.copyOf(before, 16 * vocab));
    assertThat(after[16 * vocab]).isNotEqualTo(before[16 * vocab]);
  }

  @Test
  void aPassLeavesNoMemoryBehind() {
    assertLeavesNoMemoryBehind(model, ids);
  }

  @Test
  void aPassThroughNormsInsideTheLinearLayersLeavesNoMemoryBehind() throws IOException {
    try (HuggingFaceDirectory directory =
        HuggingFaceDirectory.open(FIXTURE.resolveSibling("rms-norm-online"))) {
      LlamaModel normed = LlamaModel.load(directory, manager, ComputeType.FP32);
      assertLeavesNoMemoryBehind(normed, new long[][] {{3, 1, 4, 1, 5}, {9, 2, 6, 5, 3}});
    }
  }

  private void assertLeavesNoMemoryBehind(LlamaModel model, long[][] ids) {
    try (NDManager scope = manager.newSubManager()) {
      NDArray input = scope.create(ids);
      try (ForwardPass pass = model.forward(input, ForwardPass.Keep.ALL)) {
        pass.backward(pass.hidden().duplicate());
      }
      model.manager().cap();
      try (ForwardPass pass = model.forward(input, ForwardPass.Keep.LAYER_INPUTS)) {
        pass.backward(pass.hidden().duplicate());
      }
      model.ternarize();
    }
  }

  @Test
  void tooLongASequenceIsRefused() {
    long[][] tooLong = new long[1][model.config().contextLength() + 1];
    assertThatThrownBy(() -> model.logits(manager, manager.create(tooLong)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("129 tokens do not fit the model's context of 128");
  }

  @Test
  void withSharpnessZeroTheModelIsNotQuantized() {
    model.ternarize(0);
    float[] soft = model.logits(manager, manager.create(ids)).toFloatArray();
    model.ternarize(1);
    float[] sharp = model.logits(manager, manager.create(ids)).toFloatArray();
    assertThat(soft[0]).isNotCloseTo(sharp[0], within(1e-3f));
  }
}
