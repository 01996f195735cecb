package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.DType;
import bitnet.format.JsonFile;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.TensorEntry;
import bitnet.model.Activation;
import bitnet.model.LatentInitializer;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ConversionTest {
  private static final LlamaConfig LLAMA = config(false, false, false, 96);
  private static final LlamaConfig BITNET = config(true, true, false, 96);
  private static final LlamaConfig LINEAR_NORMS =
      LlamaConfig.of(4096, 48, 96, 2, 4)
          .withKeyValueHeads(2)
          .withContextLength(64)
          .withLinearNormEpsilon(OptionalDouble.of(1e-6));
  private static final String TEMPLATE = "{{ bos_token }}{{ messages[0]['content'] }}";

  @TempDir private Path directory;

  private static LlamaConfig config(
      boolean subNorms, boolean tied, boolean ternaryEmbeddings, int intermediate) {
    return LlamaConfig.of(4096, 48, intermediate, 2, 4)
        .withKeyValueHeads(2)
        .withContextLength(64)
        .withActivation(subNorms ? Activation.RELU_SQUARED : Activation.SILU)
        .withSubNorms(subNorms)
        .withTiedHead(tied)
        .withTernaryEmbeddings(ternaryEmbeddings);
  }

  /// A model whose tensors have scales of many magnitudes, and gains that differ.
  private static LatentWeights trained(LlamaConfig config) {
    LatentInitializer initializer = new LatentInitializer(7, 0.02);
    return new LatentWeights() {
      @Override
      public LlamaConfig config() {
        return config;
      }

      @Override
      public void read(TensorSpec tensor, MemorySegment target) {
        initializer.fill(tensor, 0, target);
        float factor = 1 + (tensor.name().hashCode() & 0xFFF) / 512f;
        float[] values = target.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        for (int i = 0; i < values.length; i++) {
          values[i] *= tensor.isMatrix() ? factor : 1 + (i * 7 + tensor.name().length()) % 16 / 16f;
        }
        MemorySegment.copy(MemorySegment.ofArray(values), 0, target, 0, target.byteSize());
      }
    };
  }

  private Path nativeModel(LlamaConfig config, boolean withMaster) throws IOException {
    Path path = directory.resolve("native");
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      ModelDirectory.write(
          path, trained(config), tokenizer, withMaster, ModelDirectory.Existing.REFUSE);
    }
    return path;
  }

  private Path convert(Path from, String name, ModelFormat format) throws IOException {
    Path to = directory.resolve(name);
    try (ModelSource source = ModelSource.open(from)) {
      format.write(to, source, ModelDirectory.Existing.REFUSE, parameters -> {});
    }
    return to;
  }

  @ParameterizedTest
  @CsvSource({
    "HF_BITLINEAR, false, false", "HF_AUTOBITLINEAR, false, false", "HF_ONLINE, false, false",
    "HF_BITLINEAR, true, false", "HF_AUTOBITLINEAR, true, true", "HF_ONLINE, true, false",
  })
  void everyTritAndScaleSurvivesTheWayThereAndBack(
      ModelFormat format, boolean bitnet, boolean withMaster) throws IOException {
    Path original = nativeModel(bitnet ? BITNET : LLAMA, withMaster);
    Path there = convert(original, "there", format);
    Path back = convert(there, "back", ModelFormat.NATIVE);
    assertSameModel(original, there);
    assertSameModel(original, back);
  }

  @ParameterizedTest
  @CsvSource({"HF_BITLINEAR, false", "HF_AUTOBITLINEAR, true", "HF_ONLINE, false"})
  void normsInsideTheLinearLayersSurviveTheWayThereAndBack(ModelFormat format, boolean withMaster)
      throws IOException {
    Path original = nativeModel(LINEAR_NORMS, withMaster);
    Path there = convert(original, "there", format);
    assertSameModel(original, there);
    assertSameModel(original, convert(there, "back", ModelFormat.NATIVE));
  }

  @ParameterizedTest
  @EnumSource(names = {"GGUF_TQ2_0", "GGUF_TQ1_0", "GGUF_I2_S", "GGUF_F16"})
  void normsInsideTheLinearLayersHaveNoGgufForm(ModelFormat format) throws IOException {
    Path original = nativeModel(LINEAR_NORMS, false);
    assertThatThrownBy(() -> convert(original, "model.gguf", format))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("use_rms_norm", "no GGUF form", "use an hf format");
    assertThat(directory.resolve("model.gguf")).doesNotExist();
  }

  private static void assertSameModel(Path left, Path right) throws IOException {
    try (ModelSource one = ModelSource.open(left);
        ModelSource other = ModelSource.open(right)) {
      assertThat(other.weights().config()).isEqualTo(one.weights().config());
      assertThat(other.generation()).isEqualTo(one.generation());
      for (TensorSpec tensor : one.weights().config().tensors()) {
        if (tensor.kind() == TensorSpec.Kind.TERNARY) {
          TernaryRows rows = one.ternary().ternary(tensor);
          TernaryRows same = other.ternary().ternary(tensor);
          assertThat(same.scale(0)).as(tensor.name()).isEqualTo(rows.scale(0));
          assertThat(trits(same)).as(tensor.name()).isEqualTo(trits(rows));
        } else {
          assertThat(values(other.ternary(), tensor)).isEqualTo(values(one.ternary(), tensor));
        }
      }
    }
  }

  private static byte[] trits(TernaryRows rows) {
    byte[] trits = new byte[rows.rows() * rows.columns()];
    rows.unpack(0, rows.rows(), trits);
    return trits;
  }

  private static float[] values(TernaryWeights weights, TensorSpec tensor) throws IOException {
    float[] values = new float[(int) tensor.count()];
    weights.readRows(
        tensor, 0, tensor.isMatrix() ? tensor.rows() : 1, MemorySegment.ofArray(values));
    return values;
  }

  @Test
  void anInverseScaleGivesBackTheSameFloatWhateverItIs() {
    int wide = 0;
    float scale = 0.02f;
    for (int i = 0; i < 100_000; i++) {
      scale = i % 2 == 0 ? Math.nextUp(scale) : scale * 1.0007f % 3 + 1e-5f;
      double stored = Quantization.LinearClass.BITLINEAR.stored(scale);
      assertThat(Quantization.LinearClass.BITLINEAR.scale(stored)).isEqualTo(scale);
      wide += stored == (float) stored ? 0 : 1;
    }
    assertThat(wide).isBetween(10_000, 40_000);
  }

  @Test
  void anInverseThatNoFloatHasIsStoredInDoublePrecision() throws IOException {
    Path there = convert(nativeModel(LLAMA, false), "there", ModelFormat.HF_BITLINEAR);
    List<DType> types = new ArrayList<>();
    try (SafetensorsFile file = SafetensorsFile.open(there.resolve("model.safetensors"))) {
      for (TensorEntry entry : file.entries()) {
        if (entry.name().endsWith("_scale")) {
          assertThat(entry.shape()).containsExactly(1L);
          types.add(entry.dtype());
        }
      }
    }
    assertThat(types).hasSize(14).contains(DType.F32, DType.F64);
  }

  @Test
  void theLatentsOfATrainedModelAreKeptInTheOnlineFormAndComeBackAsMasterWeights()
      throws IOException {
    Path original = nativeModel(LLAMA, true);
    Path there = convert(original, "there", ModelFormat.HF_ONLINE);
    Path back = convert(there, "back", ModelFormat.NATIVE);
    try (SafetensorsFile left = SafetensorsFile.open(original.resolve("master.safetensors"));
        SafetensorsFile right = SafetensorsFile.open(back.resolve("master.safetensors"))) {
      for (TensorEntry entry : left.entries()) {
        assertThat(left.data(entry).mismatch(right.data(right.require(entry.name()))))
            .as(entry.name())
            .isEqualTo(-1);
      }
    }
  }

  @Test
  void aLargeModelIsCutIntoShardsThatKeepAWeightAndItsScaleTogether() throws IOException {
    Path original = nativeModel(LLAMA, false);
    Path there = directory.resolve("there");
    try (ModelSource source = ModelSource.open(original)) {
      new HuggingFaceWriter(
              Optional.of(Quantization.packed(Quantization.LinearClass.BITLINEAR)),
              4096L * 48 * 2 + 4000)
          .write(there, source, ModelDirectory.Existing.REFUSE, parameters -> {});
    }
    assertThat(there.resolve("model.safetensors")).doesNotExist();
    assertThat(there.resolve("model-00001-of-00003.safetensors")).exists();
    assertThat(there.resolve("model-00003-of-00003.safetensors")).exists();
    ObjectNode map =
        (ObjectNode)
            JsonFile.read(there.resolve("model.safetensors.index.json"), 1 << 20).get("weight_map");
    map.properties()
        .forEach(
            entry -> {
              if (entry.getKey().endsWith("_scale")) {
                String weight = entry.getKey().substring(0, entry.getKey().length() - 6);
                assertThat(map.get(weight)).isEqualTo(entry.getValue());
              }
            });
    assertSameModel(original, there);
  }

  @Test
  void tokenizerChatTemplateAndGenerationDefaultsAreCarriedOverByteForByte() throws IOException {
    Path there = convert(nativeModel(LLAMA, false), "there", ModelFormat.HF_BITLINEAR);
    Files.writeString(there.resolve("chat_template.jinja"), TEMPLATE);
    Files.writeString(there.resolve("generation_config.json"), "{\"temperature\": 0.6}");
    Path back = convert(there, "back", ModelFormat.NATIVE);
    for (String name :
        List.of(
            "tokenizer.json",
            "tokenizer_config.json",
            "chat_template.jinja",
            "generation_config.json")) {
      assertThat(back.resolve(name)).hasSameBinaryContentAs(there.resolve(name));
    }
    ModelDirectory.open(back).close();
  }

  @Test
  void aTernaryEmbeddingIsWrittenAsTheValuesItStandsFor() throws IOException {
    Path original = nativeModel(config(false, false, true, 96), false);
    Path there = convert(original, "there", ModelFormat.HF_BITLINEAR);
    try (ModelSource one = ModelSource.open(original);
        ModelSource other = ModelSource.open(there)) {
      assertThat(other.weights().config()).isEqualTo(LLAMA);
      TensorSpec embedding = LLAMA.tensors().getFirst();
      assertThat(values(other.ternary(), embedding)).isEqualTo(values(one.ternary(), embedding));
    }
  }

  @Test
  void aShapeThatFourRowsAByteCannotHoldIsRefusedBeforeAnythingIsWritten() throws IOException {
    Path original = nativeModel(config(false, false, false, 98), false);
    assertThatThrownBy(() -> convert(original, "there", ModelFormat.HF_AUTOBITLINEAR))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("mlp.gate_proj.weight", "98 rows", "multiple of 4", "hf-online");
    assertThat(directory.resolve("there")).doesNotExist();
    assertSameModel(original, convert(original, "online", ModelFormat.HF_ONLINE));
  }

  @ParameterizedTest
  @EnumSource(names = {"HF_BITLINEAR", "HF_ONLINE"})
  void aDirectoryThatIsThereIsReplacedOnlyWhenItIsAModelAndOneAsksForIt(ModelFormat format)
      throws IOException {
    Path original = nativeModel(LLAMA, false);
    Path there = convert(original, "there", ModelFormat.HF_AUTOBITLINEAR);
    assertThatThrownBy(() -> convert(original, "there", format))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("already holds a model");
    try (ModelSource source = ModelSource.open(original)) {
      format.write(there, source, ModelDirectory.Existing.REPLACE, parameters -> {});
      assertSameModel(original, there);
      Files.createFile(there.resolve("notes.txt"));
      assertThatThrownBy(
              () -> format.write(there, source, ModelDirectory.Existing.REPLACE, parameters -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is not a model directory");
    }
    assertThat(there.resolve("notes.txt")).exists();
  }

  @Test
  void aModelDirectoryIsNotConvertedIntoItself() throws IOException {
    Path original = nativeModel(LLAMA, false);
    assertThatThrownBy(() -> convert(original, "there", ModelFormat.NATIVE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("already");
  }
}
