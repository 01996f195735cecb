package bitnet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.ConfigJson;
import bitnet.checkpoint.GgufModel;
import bitnet.checkpoint.HuggingFaceDirectory;
import bitnet.model.LlamaConfig;
import bitnet.model.RotaryTable;
import bitnet.model.TensorSpec;
import bitnet.runtime.KvCache;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Dense models of other families, without quantization, against transformers: Qwen 3 (norms of q
/// and k, head_dim apart from the width, YaRN), Qwen 2 (biases), LLaMA 3 (scaled frequencies).
class ModelFamilyTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures/families");
  private static final Path SHARED = Path.of("../../shared/fixtures/families");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir private Path temporary;
  private NDManager manager;

  @BeforeEach
  void prepare() {
    TorchOps.prepareThread(2);
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  @ParameterizedTest
  @CsvSource({
    "qwen3-yarn, config.json",
    "qwen3-yarn, config-v4.json",
    "qwen2-bias, config.json",
    "qwen2-bias, config-v4.json",
    "llama3-rope, config.json",
    "llama3-rope, config-v4.json"
  })
  void logitsAndGreedyTokensEqualThoseOfTransformers(String name, String config)
      throws IOException {
    assertEqualsTransformers(FIXTURES.resolve(name), config);
  }

  @ParameterizedTest
  @CsvSource({
    "tied, config.json",
    "tied, config-v4.json",
    "untied, config.json",
    "untied, config-v4.json",
    "tied-head-present, config.json",
    "tied-head-present, config-v4.json"
  })
  void qwenWithAndWithoutAHeadOfItsOwnEqualsTransformers(String name, String config)
      throws IOException {
    Path fixture = SHARED.resolve("qwen3-dense").resolve(name);
    assumeThat(fixture).as("the fixture is not next to this checkout").exists();
    assertEqualsTransformers(fixture, config);
  }

  @ParameterizedTest
  @CsvSource({"qwen2-bias-F16.gguf, qwen2-bias", "llama3-rope-BF16.gguf, llama3-rope"})
  void ggufFilesOfFloatsEqualTransformers(String file, String name) throws IOException {
    try (GgufModel stored = GgufModel.open(FIXTURES.resolve("gguf").resolve(file))) {
      assertThat(stored.isFullPrecision()).isTrue();
      LlamaModel model = LlamaModel.load(stored, manager, ComputeType.FP32);
      model.ternarize(0);
      assertEqualsTransformers(model, FIXTURES.resolve(name));
    }
  }

  private void assertEqualsTransformers(Path fixture, String config) throws IOException {
    assertEqualsTransformers(load(fixture, config), fixture);
  }

  private void assertEqualsTransformers(LlamaModel model, Path fixture) throws IOException {
    JsonNode expected = MAPPER.readTree(fixture.resolve("expected.json").toFile());
    for (int sequence = 0; sequence < expected.get("input_ids").size(); sequence++) {
      long[] ids = MAPPER.convertValue(expected.at("/input_ids/" + sequence), long[].class);
      float[] logits = model.logits(manager, manager.create(new long[][] {ids})).toFloatArray();
      int i = 0;
      for (JsonNode position : expected.at("/logits/" + sequence)) {
        for (JsonNode logit : position) {
          assertThat(logits[i++]).isCloseTo(logit.floatValue(), within(1e-4f));
        }
      }
      assertThat(i).isEqualTo(logits.length);
    }
    long[] prompt = MAPPER.convertValue(expected.at("/input_ids/0"), long[].class);
    List<Integer> wanted = new ArrayList<>();
    expected.get("greedy").forEach(token -> wanted.add(token.intValue()));
    assertThat(greedy(model, prompt, wanted.size())).isEqualTo(wanted);
  }

  private List<Integer> greedy(LlamaModel model, long[] prompt, int count) {
    List<Integer> tokens = new ArrayList<>();
    try (GraphCache cache = model.newCache(1, prompt.length + count)) {
      long[][] next = {prompt};
      for (int step = 0; step < count; step++) {
        try (NDManager scope = manager.newSubManager()) {
          NDArray logits = model.decode(scope, scope.create(next), cache);
          int token = Math.toIntExact(logits.argMax().getLong());
          tokens.add(token);
          next = new long[][] {{token}};
        }
      }
    }
    return tokens;
  }

  /// In full precision, with config.json in one of its spellings.
  private LlamaModel load(Path fixture, String config) throws IOException {
    Path directory = Files.createDirectories(temporary.resolve("model"));
    Files.copy(fixture.resolve(config), directory.resolve("config.json"));
    Files.copy(fixture.resolve("model.safetensors"), directory.resolve("model.safetensors"));
    try (HuggingFaceDirectory opened = HuggingFaceDirectory.open(directory)) {
      LlamaModel model = LlamaModel.load(opened, manager, ComputeType.FP32);
      model.ternarize(0);
      return model;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen3-yarn", "qwen2-bias"})
  void everyGradientEqualsThatOfAutograd(String name) throws IOException {
    Path fixture = FIXTURES.resolve(name);
    JsonNode expected = MAPPER.readTree(fixture.resolve("gradients.json").toFile());
    JsonNode reference = MAPPER.readTree(fixture.resolve("expected.json").toFile());
    long[] ids = MAPPER.convertValue(reference.at("/input_ids/0"), long[].class);
    LlamaModel model = load(fixture, "config.json");
    double loss = lossWithGradients(model, ids);
    assertThat(loss).isCloseTo(expected.get("loss").doubleValue(), within(1e-5));
    ObjectNode gradients = (ObjectNode) expected.get("gradients");
    int compared = 0;
    for (Parameter parameter : model.parameters()) {
      float[] all = parameter.gradient().toFloatArray();
      int offset = 0;
      for (TensorSpec tensor : parameter.tensors()) {
        int count = Math.toIntExact(tensor.count());
        assertGradient(
            tensor.name(),
            Arrays.copyOfRange(all, offset, offset + count),
            gradients.get(tensor.name()));
        offset += count;
        compared++;
      }
    }
    assertThat(compared).isEqualTo(gradients.size());
  }

  private static void assertGradient(String name, float[] ours, JsonNode expected) {
    double norm = expected.get("norm").doubleValue();
    double sum = 0;
    for (float each : ours) {
      sum += (double) each * each;
    }
    assertThat(Math.sqrt(sum)).as(name).isCloseTo(norm, within(1e-4 * Math.max(norm, 1)));
    int i = 0;
    for (JsonNode each : expected.get("every_97th")) {
      assertThat(ours[97 * i++]).as(name).isCloseTo(each.floatValue(), within(1e-4f));
    }
  }

  /// The mean cross-entropy of a text.
  private double lossWithGradients(LlamaModel model, long[] ids) {
    int count = ids.length - 1;
    NDArray input = manager.create(new long[][] {Arrays.copyOf(ids, count)});
    NDArray targets = manager.create(Arrays.copyOfRange(ids, 1, ids.length));
    try (ForwardPass pass = model.forward(input, ForwardPass.Keep.ALL)) {
      NDArray dHidden = manager.zeros(pass.hidden().getShape());
      NDArray sum =
          model
              .ops()
              .crossEntropy(
                  manager,
                  pass.hidden(),
                  model.effectiveHead(),
                  targets,
                  ComputeType.FP32,
                  1.0 / count,
                  dHidden,
                  model.head().gradient());
      pass.backward(dHidden);
      return sum.getDouble() / count;
    }
  }

  @Test
  void aPassLeavesNoMemoryBehind() throws IOException {
    for (String name : List.of("qwen3-yarn", "qwen2-bias")) {
      temporary = Files.createTempDirectory(temporary, name);
      LlamaModel model = load(FIXTURES.resolve(name), "config.json");
      NDArray input = manager.create(new long[][] {{3, 1, 4, 1, 5}, {9, 2, 6, 5, 3}});
      model.manager().cap();
      for (ForwardPass.Keep keep :
          List.of(ForwardPass.Keep.ALL, ForwardPass.Keep.LAYER_INPUTS, ForwardPass.Keep.NOTHING)) {
        try (ForwardPass pass = model.forward(input, keep)) {
          if (keep != ForwardPass.Keep.NOTHING) {
            pass.backward(pass.hidden().duplicate());
          }
        }
      }
    }
  }

  @Test
  void scaledFrequenciesEqualThoseOfTransformers() throws IOException {
    JsonNode cases = MAPPER.readTree(FIXTURES.resolve("rope.json").toFile());
    assertThat(cases).hasSizeGreaterThan(8);
    for (JsonNode each : cases) {
      LlamaConfig config = config(each);
      int position = 1;
      RotaryTable table = RotaryTable.of(config, position + 1);
      double factor = each.get("attention_factor").doubleValue();
      String name = each.get("case").textValue();
      assertThat(each.get("inv_freq")).hasSize(table.half());
      for (int i = 0; i < table.half(); i++) {
        double frequency = each.get("inv_freq").get(i).doubleValue();
        int at = position * table.half() + i;
        assertThat((double) table.cos()[at])
            .as(name)
            .isCloseTo(Math.cos(frequency) * factor, within(1e-6));
        assertThat((double) table.sin()[at])
            .as(name)
            .isCloseTo(Math.sin(frequency) * factor, within(1e-6 * factor * frequency + 1e-10));
      }
    }
  }

  /// The config that a case of rope.json describes, read from a file.
  private LlamaConfig config(JsonNode each) throws IOException {
    Path fixture = FIXTURES.resolve("qwen3-yarn");
    Path directory = Files.createTempDirectory(temporary, "rope");
    ObjectNode config = (ObjectNode) MAPPER.readTree(fixture.resolve("config.json").toFile());
    config.set("head_dim", each.get("head_dim"));
    config.set("max_position_embeddings", each.get("max_position_embeddings"));
    config.set("rope_parameters", each.get("rope_parameters"));
    Path file = directory.resolve("config.json");
    MAPPER.writeValue(file.toFile(), config);
    return ConfigJson.read(file).llama();
  }

  /// A last bit of an exponential that differs turns a code of an activation in some sequences, as
  /// in `TernaryLlamaTest`; so nearly all agree, and all roughly.
  @ParameterizedTest
  @CsvSource({
    "qwen3-yarn, auto",
    "qwen3-yarn, scalar",
    "qwen3-yarn, vector",
    "qwen2-bias, auto",
    "qwen2-bias, scalar",
    "llama3-rope, auto"
  })
  void theRuntimeEqualsTheTernaryGraph(String name, String kernel) throws IOException {
    LlamaModel model = load(FIXTURES.resolve(name), "config.json");
    model.ternarize();
    int vocab = model.config().vocabSize();
    int close = 0;
    int sequences = 20;
    RuntimeSettings settings = RuntimeSettings.exact().withThreads(2).withKernel(kernel);
    try (HuggingFaceDirectory directory = HuggingFaceDirectory.open(FIXTURES.resolve(name));
        TernaryLlama llama = TernaryLlama.load(directory, settings)) {
      for (int seed = 0; seed < sequences; seed++) {
        int[] ids = new Random(seed).ints(8, 0, vocab).toArray();
        double difference = largestDifference(model, llama, ids);
        assertThat(difference).isLessThan(0.3);
        close += difference < 1e-3 ? 1 : 0;
      }
    }
    assertThat(close).isGreaterThanOrEqualTo(sequences * 3 / 4);
  }

  private double largestDifference(LlamaModel model, TernaryLlama llama, int... ids) {
    int vocab = model.config().vocabSize();
    long[] wide = Arrays.stream(ids).asLongStream().toArray();
    float[] wanted = model.logits(manager, manager.create(new long[][] {wide})).toFloatArray();
    double largest = 0;
    try (KvCache cache = llama.newCache(ids.length)) {
      for (int position = 0; position < ids.length; position++) {
        float[] logits = llama.advance(List.of(cache), List.of(new int[] {ids[position]}))[0];
        for (int token = 0; token < vocab; token++) {
          double difference = Math.abs((double) logits[token] - wanted[position * vocab + token]);
          largest = Math.max(largest, difference);
        }
      }
    }
    return largest;
  }
}
