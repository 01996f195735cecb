package bitnet.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.GgufModel;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelFormat;
import bitnet.checkpoint.ModelSource;
import bitnet.format.CheckpointException;
import bitnet.kernel.CacheType;
import bitnet.model.ActivationScale;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.ProductWeights;
import bitnet.model.TensorSpec;
import bitnet.runtime.KvCache;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Models with a scale for every 64 or 128 inputs, in safetensors and in every GGUF type, against
/// logits and greedy tokens of transformers: on the packed runtime and in the training graph.
class GroupScalesTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures/families");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir private Path directory;

  @BeforeEach
  void prepare() {
    TorchOps.prepareThread(2);
  }

  /// Files and the expectations that they have.
  static Stream<Arguments> files() throws IOException {
    List<Arguments> cases = new ArrayList<>();
    for (JsonNode each : MAPPER.readTree(FIXTURES.resolve("gguf/index.json").toFile())) {
      if (each.path("model").asText().startsWith("ternary-group/")) {
        for (JsonNode expected : each.path("expected")) {
          String file = "gguf/" + each.path("file").asText();
          cases.add(Arguments.of(file, expected.asText()));
        }
      }
    }
    for (String expected : List.of("expected", "expected-int8", "expected-int8-head")) {
      String model = "ternary-group/untied";
      cases.add(Arguments.of(model, model + "/" + expected + ".json"));
    }
    return cases.stream();
  }

  private static ActivationScale activations(String expected) {
    return expected.contains("int8") ? ActivationScale.INT8 : ActivationScale.FLOAT;
  }

  private static RuntimeSettings settings(String expected, String kernel) {
    LmHeadType head = expected.contains("head") ? LmHeadType.PACKED : LmHeadType.FP32;
    return new RuntimeSettings(
        2, kernel, head, CacheType.FP32, false, Optional.of(activations(expected)));
  }

  @ParameterizedTest
  @MethodSource("files")
  void theRuntimeEqualsTransformers(String file, String expected) throws IOException {
    JsonNode reference = MAPPER.readTree(FIXTURES.resolve(expected).toFile());
    for (String kernel : List.of("scalar", "vector", "auto")) {
      try (ModelSource source = ModelSource.open(FIXTURES.resolve(file));
          TernaryLlama llama = TernaryLlama.load(source.ternary(), settings(expected, kernel))) {
        assertThat(source.isFullPrecision()).isFalse();
        for (int i = 0; i < reference.path("input_ids").size(); i++) {
          int[] ids = MAPPER.convertValue(reference.at("/input_ids/" + i), int[].class);
          assertClose(logits(llama, ids), reference.at("/logits/" + i), 1e-3);
        }
        int[] prompt = MAPPER.convertValue(reference.at("/input_ids/0"), int[].class);
        int[] greedy = MAPPER.convertValue(reference.path("greedy"), int[].class);
        assertThat(greedy(llama, prompt, greedy.length)).as(kernel).isEqualTo(greedy);
      }
    }
  }

  private static float[][] logits(TernaryLlama llama, int... ids) {
    float[][] logits = new float[ids.length][];
    try (KvCache cache = llama.newCache(ids.length)) {
      llama.visitLogits(
          List.of(cache), List.of(ids), index -> true, (index, row) -> logits[index] = row);
    }
    return logits;
  }

  private static void assertClose(float[][] logits, JsonNode expected, double tolerance) {
    assertThat(expected).hasSize(logits.length);
    for (int position = 0; position < logits.length; position++) {
      assertThat(expected.path(position)).hasSize(logits[position].length);
      for (int token = 0; token < logits[position].length; token++) {
        double wanted = expected.path(position).path(token).floatValue();
        assertThat((double) logits[position][token]).isCloseTo(wanted, within(tolerance));
      }
    }
  }

  private static int best(float... logits) {
    int best = 0;
    for (int token = 1; token < logits.length; token++) {
      best = logits[token] > logits[best] ? token : best;
    }
    return best;
  }

  private static int[] greedy(TernaryLlama llama, int[] prompt, int count) {
    int[] tokens = new int[count];
    try (KvCache cache = llama.newCache(prompt.length + count)) {
      int[] next = prompt;
      for (int i = 0; i < count; i++) {
        tokens[i] = best(llama.advance(List.of(cache), List.of(next))[0]);
        next = new int[] {tokens[i]};
      }
    }
    return tokens;
  }

  @ParameterizedTest
  @MethodSource("files")
  void theGraphEqualsTransformers(String file, String expected) throws IOException {
    if (expected.contains("head")) {
      return; // the head's input is not quantized in training
    }
    JsonNode reference = MAPPER.readTree(FIXTURES.resolve(expected).toFile());
    try (NDManager manager = NDManager.newBaseManager();
        ModelSource source = ModelSource.open(FIXTURES.resolve(file));
        LlamaModel model =
            LlamaModel.load(
                source.weights().withActivations(activations(expected)),
                manager,
                ComputeType.FP32);
        NDManager scope = manager.newSubManager()) {
      for (int i = 0; i < reference.path("input_ids").size(); i++) {
        long[] ids = MAPPER.convertValue(reference.at("/input_ids/" + i), long[].class);
        NDArray logits = model.logits(scope, scope.create(new long[][] {ids}));
        float[] flat = logits.toFloatArray();
        int vocab = model.config().vocabSize();
        float[][] rows = new float[ids.length][vocab];
        for (int position = 0; position < ids.length; position++) {
          System.arraycopy(flat, position * vocab, rows[position], 0, vocab);
        }
        assertClose(rows, reference.at("/logits/" + i), 1e-4);
      }
    }
  }

  /// A code per group instead of one per token: no reference, but near both.
  @Test
  void activationsWithGroupScalesAreNearerToFloatsThanThoseWithOne() throws IOException {
    Path file = FIXTURES.resolve("gguf/untied-PQ2_0.gguf");
    String folder = "ternary-group/untied/";
    JsonNode reference = MAPPER.readTree(FIXTURES.resolve(folder + "expected.json").toFile());
    int[] ids = MAPPER.convertValue(reference.at("/input_ids/0"), int[].class);
    Map<ActivationScale, Double> distances = new EnumMap<>(ActivationScale.class);
    for (ActivationScale scale : List.of(ActivationScale.INT8, ActivationScale.INT8_GROUP)) {
      RuntimeSettings settings =
          new RuntimeSettings(
              2, "auto", LmHeadType.FP32, CacheType.FP32, false, Optional.of(scale));
      try (GgufModel model = GgufModel.open(file);
          TernaryLlama llama = TernaryLlama.load(model, settings)) {
        float[][] logits = logits(llama, ids);
        double sum = 0;
        for (int position = 0; position < ids.length; position++) {
          for (int token = 0; token < logits[position].length; token++) {
            double wanted = reference.at("/logits/0").path(position).path(token).floatValue();
            sum += Math.pow(logits[position][token] - wanted, 2);
          }
        }
        distances.put(scale, sum);
      }
    }
    assertThat(distances.get(ActivationScale.INT8_GROUP))
        .isPositive()
        .isLessThan(distances.get(ActivationScale.INT8));
  }

  /// Latents of a file, in a model with group scales.
  private record Grouped(LatentWeights weights) implements LatentWeights {
    @Override
    public LlamaConfig config() {
      return weights
          .config()
          .withWeights(new LlamaConfig.Weights(false, 64, true, true, ActivationScale.INT8_GROUP));
    }

    @Override
    public void read(TensorSpec tensor, MemorySegment target) throws IOException {
      weights.read(tensor, target);
    }
  }

  /// `oracle/gradients_groups.py`: weights, activations, embedding and head with group scales.
  @ParameterizedTest
  @EnumSource(ComputeType.class)
  void lossAndGradientsEqualThoseOfAutograd(ComputeType type) throws IOException {
    Path fixture = FIXTURES.resolve("group-gradients");
    JsonNode expected = MAPPER.readTree(fixture.resolve("expected.json").toFile());
    long[] ids = MAPPER.convertValue(expected.at("/input_ids/0"), long[].class);
    try (NDManager manager = NDManager.newBaseManager();
        ModelSource source = ModelSource.open(fixture);
        LlamaModel model = LlamaModel.load(new Grouped(source.weights()), manager, type)) {
      int count = ids.length - 1;
      NDArray input = manager.create(new long[][] {Arrays.copyOf(ids, count)});
      NDArray targets = manager.create(Arrays.copyOfRange(ids, 1, ids.length));
      double loss;
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
        loss = sum.getDouble() / count;
      }
      boolean exact = type == ComputeType.FP32;
      assertThat(loss).isCloseTo(expected.path("loss").doubleValue(), within(exact ? 1e-5 : 0.05));
      for (Parameter parameter : model.parameters()) {
        float[] all = parameter.gradient().toFloatArray();
        int offset = 0;
        for (TensorSpec tensor : parameter.tensors()) {
          double squares = 0;
          JsonNode wanted = expected.path("gradients").path(tensor.name());
          for (int i = 0; i < tensor.count(); i++) {
            squares += Math.pow(all[offset + i], 2);
            if (exact && i % 97 == 0) {
              assertThat(all[offset + i])
                  .as(tensor.name())
                  .isCloseTo(wanted.path("every_97th").path(i / 97).floatValue(), within(1e-4f));
            }
          }
          double norm = wanted.path("norm").doubleValue();
          assertThat(Math.sqrt(squares))
              .as(tensor.name())
              .isCloseTo(norm, within((exact ? 1e-4 : 0.2) * Math.max(norm, 1)));
          offset += (int) tensor.count();
        }
      }
    }
  }

  static Stream<Arguments> patches() throws IOException {
    List<Arguments> cases = new ArrayList<>();
    for (JsonNode each : MAPPER.readTree(FIXTURES.resolve("gguf/patches.json").toFile())) {
      cases.add(Arguments.of(each.path("file").asText(), each.path("what").asText(), each));
    }
    return cases.stream();
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("patches")
  void changedBytesAreReadRightOrRefused(String name, String what, JsonNode patch)
      throws IOException {
    Path original = FIXTURES.resolve("gguf").resolve(name);
    byte[] bytes = Files.readAllBytes(original);
    for (JsonNode each : patch.path("patch")) {
      byte[] part = HexFormat.of().parseHex(each.path("hex").asText());
      System.arraycopy(part, 0, bytes, each.path("at").asInt(), part.length);
    }
    if (patch.has("keep_bytes")) {
      bytes = Arrays.copyOf(bytes, patch.path("keep_bytes").asInt());
    }
    Path changed = directory.resolve(name);
    Files.write(changed, bytes);
    RuntimeSettings settings = RuntimeSettings.exact().withThreads(1);
    if (patch.path("want").asText().equals("the same logits")) {
      int[] ids = {1, 2, 3, 4, 5};
      try (GgufModel before = GgufModel.open(original);
          GgufModel after = GgufModel.open(changed);
          TernaryLlama expected = TernaryLlama.load(before, settings);
          TernaryLlama found = TernaryLlama.load(after, settings)) {
        assertThat(logits(found, ids)).isDeepEqualTo(logits(expected, ids));
      }
      return;
    }
    assertThatThrownBy(
            () -> {
              try (GgufModel model = GgufModel.open(changed)) {
                TernaryLlama.load(model, settings).close();
              }
            })
        .as(what)
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(what.contains("hadamard") ? "prism.hadamard.version" : "");
  }

  @Test
  void everyFormatWithGroupScalesKeepsEveryTritAndScale() throws IOException {
    for (String model : List.of("untied-PQ2_0.gguf", "tied-PTQ1_0.gguf")) {
      Path from = FIXTURES.resolve("gguf").resolve(model);
      for (ModelFormat format :
          List.of(
              ModelFormat.NATIVE,
              ModelFormat.HF_FLOAT,
              ModelFormat.GGUF_Q2_0,
              ModelFormat.GGUF_PQ2_0,
              ModelFormat.GGUF_PTQ1_0)) {
        Path to = directory.resolve(model + format.key());
        try (ModelSource source = ModelSource.open(from)) {
          format.write(to, source, ModelDirectory.Existing.REFUSE, parameters -> {});
        }
        try (ModelSource before = ModelSource.open(from);
            ModelSource after = ModelSource.open(to)) {
          assertThat(after.weights().config().hasGroupScales()).as(format.key()).isTrue();
          for (TensorSpec tensor : before.weights().config().tensors()) {
            if (before.weights().config().isTernary(tensor)) {
              assertThat(products(after, tensor))
                  .as(format.key() + " " + tensor.name())
                  .isEqualTo(products(before, tensor));
            }
          }
        }
      }
    }
  }

  private static float[] products(ModelSource source, TensorSpec tensor) throws IOException {
    float[] products = new float[(int) tensor.count()];
    MemorySegment target = MemorySegment.ofArray(products);
    ProductWeights.multiply(source.ternary().ternary(tensor), 0, tensor.rows(), target);
    for (int i = 0; i < products.length; i++) {
      products[i] += 0f; // -0 is 0
    }
    return products;
  }
}
