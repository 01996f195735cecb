package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.format.safetensors.TensorEntry;
import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryQuantizer;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceDirectoryTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
  private static final LlamaConfig TINY =
      LlamaConfig.of(5, 4, 6, 2, 2).withKeyValueHeads(1).withContextLength(16);

  private static final String UP = "model.layers.1.mlp.up_proj.weight";

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({"online-autobitlinear, 3, true, RELU_SQUARED", "train-step, 2, false, SILU"})
  void everyTensorOfADirectoryThatTransformersWroteIsRead(
      String fixture, int layers, boolean subNorms, Activation activation) throws IOException {
    Path home = FIXTURES.resolve(fixture);
    Set<Float> distinct = new HashSet<>();
    try (HuggingFaceDirectory opened = HuggingFaceDirectory.open(home)) {
      assertThat(opened.config().layerCount()).isEqualTo(layers);
      assertThat(opened.config().subNorms()).isEqualTo(subNorms);
      assertThat(opened.config().activation()).isEqualTo(activation);
      for (TensorSpec tensor : opened.config().tensors()) {
        float[] values = new float[(int) tensor.count()];
        opened.read(tensor, MemorySegment.ofArray(values));
        for (float value : values) {
          assertThat(value).isFinite();
          distinct.add(value);
        }
      }
    }
    assertThat(distinct).hasSizeGreaterThan(1000);
  }

  @ParameterizedTest
  @CsvSource({"packed-bitlinear, 0.041", "packed-autobitlinear, 0.041"})
  void bothMeaningsOfAScaleGiveTheMeanMagnitude(String fixture, float least) throws IOException {
    try (HuggingFaceDirectory opened = HuggingFaceDirectory.open(FIXTURES.resolve(fixture))) {
      assertThat(opened.hasLatents()).isFalse();
      for (TensorSpec tensor : opened.config().tensors()) {
        if (tensor.kind() == TensorSpec.Kind.TERNARY) {
          TernaryRows rows = opened.ternary(tensor);
          // the mean magnitude of N(0, 0.05) is 0.05 * sqrt(2 / pi) = 0.0399
          assertThat(rows.scale(0)).isCloseTo(0.0399f, within(least - 0.039f));
          float[] latents = new float[(int) tensor.count()];
          opened.read(tensor, MemorySegment.ofArray(latents));
          MemorySegment segment = MemorySegment.ofArray(latents);
          float scale = TernaryQuantizer.scale(segment, tensor.rows(), tensor.columns());
          assertThat(scale).isEqualTo(rows.scale(0));
          byte[] trits = new byte[latents.length];
          rows.unpack(0, tensor.rows(), trits);
          byte[] again = new byte[latents.length];
          TernaryQuantizer.quantize(segment, 0, scale, again, 0, again.length);
          assertThat(again).isEqualTo(trits);
          assertThat(trits).contains(-1, 0, 1);
        }
      }
    }
  }

  /// The packed fixture with one tensor changed, or left out where the header is null.
  private void damagePacked(String name, @Nullable TensorHeader header, byte[] data)
      throws IOException {
    Path fixture = FIXTURES.resolve("packed-bitlinear");
    Files.copy(fixture.resolve("config.json"), directory.resolve("config.json"));
    try (SafetensorsFile whole = SafetensorsFile.open(fixture.resolve("model.safetensors"))) {
      List<TensorHeader> headers = new ArrayList<>();
      for (TensorEntry entry : whole.entries()) {
        if (!entry.name().equals(name)) {
          headers.add(new TensorHeader(entry.name(), entry.dtype(), entry.shape()));
        } else if (header != null) {
          headers.add(header);
        }
      }
      try (SafetensorsWriter writer =
          SafetensorsWriter.create(directory.resolve("model.safetensors"), headers, Map.of())) {
        for (TensorHeader each : headers) {
          boolean damaged = each.name().equals(name);
          writer.write(
              each.name(),
              damaged ? MemorySegment.ofArray(data) : whole.data(whole.require(each.name())));
        }
        writer.commit();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void aScaleWithoutAUsableValueIsRefusedWhenItIsRead(float scale) throws IOException {
    MemorySegment data = MemorySegment.ofArray(new byte[4]);
    data.set(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0, scale);
    damagePacked(
        UP + "_scale",
        TensorHeader.of(UP + "_scale", DType.F32, 1),
        data.toArray(ValueLayout.JAVA_BYTE));
    assertUpIsRefused("tensor '" + UP + "_scale'", "a scale is positive and finite");
  }

  @Test
  void aCodeThatIsNoTritIsRefusedWhenItIsRead() throws IOException {
    byte[] packed = new byte[32 * 128];
    packed[5] = 0x0C;
    damagePacked(UP, TensorHeader.of(UP, DType.U8, 32, 128), packed);
    assertUpIsRefused("tensor '" + UP + "'", "byte 5 is 0x0c, which holds the code 3");
  }

  private void assertUpIsRefused(String... parts) throws IOException {
    try (HuggingFaceDirectory opened = HuggingFaceDirectory.open(directory)) {
      TensorSpec up =
          opened.config().tensors().stream()
              .filter(tensor -> tensor.name().equals(UP))
              .findFirst()
              .orElseThrow();
      assertThatThrownBy(() -> opened.ternary(up))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll(parts);
    }
  }

  @Test
  void packedTensorsOfAnotherFormAreRefusedWhenTheyAreOpened() throws IOException {
    damagePacked(UP + "_scale", null, new byte[0]);
    assertRefused(directory, "tensor '" + UP + "_scale'", "is missing");
    Files.delete(directory.resolve("config.json"));
    damagePacked(UP + "_scale", TensorHeader.of(UP + "_scale", DType.F16, 128), new byte[256]);
    assertRefused(directory, "is F16 [128]; a scale is one number");
    Files.delete(directory.resolve("config.json"));
    damagePacked(UP, TensorHeader.of(UP, DType.U8, 128, 32), new byte[4096]);
    assertRefused(directory, "has shape [128, 32]", "[32, 128]");
    Files.delete(directory.resolve("config.json"));
    damagePacked(UP, TensorHeader.of(UP, DType.BF16, 128, 128), new byte[32768]);
    assertRefused(directory, "holds BF16, but quantization_config says packed", "online");
  }

  @Test
  void packedWeightsWithoutAQuantizationConfigAreRefusedToo() throws IOException {
    List<TensorHeader> tensors = tensors(TINY);
    tensors.replaceAll(
        tensor ->
            tensor.name().endsWith("k_proj.weight")
                ? new TensorHeader(tensor.name(), DType.U8, tensor.shape())
                : tensor);
    save(TINY, tensors);
    assertRefused(directory, "layers.0.self_attn.k_proj.weight", "holds U8", "quantization_config");
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    List<TensorHeader> tensors = tensors(TINY);
    tensors.removeIf(tensor -> tensor.name().equals("model.norm.weight"));
    save(TINY, tensors);
    assertRefused(directory, "model.safetensors", "tensor 'model.norm.weight'", "is missing");
  }

  @Test
  void aTensorOfAnotherShapeIsNamedWithBothShapes() throws IOException {
    List<TensorHeader> tensors = tensors(TINY);
    tensors.replaceAll(
        tensor ->
            tensor.name().equals("lm_head.weight")
                ? TensorHeader.of("lm_head.weight", DType.F32, 4, 5)
                : tensor);
    save(TINY, tensors);
    assertRefused(directory, "'lm_head.weight'", "has shape [4, 5]", "[5, 4]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.layers.2.input_layernorm.weight",
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.mlp.up_proj.rms_norm.weight"
      })
  void aTensorThatTheModelWouldIgnoreIsRefused(String name) throws IOException {
    List<TensorHeader> tensors = tensors(TINY);
    tensors.add(TensorHeader.of(name, DType.F32, 4));
    save(TINY, tensors);
    assertRefused(directory, "tensor '" + name + "'", "is not part of the model");
  }

  @Test
  void rotaryFrequenciesOfOldCheckpointsAreTolerated() throws IOException {
    List<TensorHeader> tensors = tensors(TINY);
    tensors.add(TensorHeader.of("model.layers.0.self_attn.rotary_emb.inv_freq", DType.F32, 1));
    save(TINY, tensors);
    HuggingFaceDirectory.open(directory).close();
  }

  private static LlamaConfig tied() {
    return LlamaConfig.of(5, 4, 6, 2, 2)
        .withKeyValueHeads(1)
        .withContextLength(16)
        .withTiedHead(true);
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.embed_tokens.weight", "lm_head.weight"})
  void aTiedEmbeddingIsReadUnderEitherName(String name) throws IOException {
    List<TensorHeader> tensors = tensors(tied());
    tensors.set(0, TensorHeader.of(name, DType.F32, 5, 4));
    save(tied(), tensors);
    float[] embedding = new float[20];
    try (HuggingFaceDirectory opened = HuggingFaceDirectory.open(directory)) {
      opened.read(opened.config().tensors().getFirst(), MemorySegment.ofArray(embedding));
    }
    assertThat(embedding).startsWith(0, 1, 2).endsWith(19);
  }

  @Test
  void aTiedHeadMayBeStoredTwiceButMustBeTheEmbedding() throws IOException {
    List<TensorHeader> tensors = tensors(tied());
    tensors.add(TensorHeader.of("lm_head.weight", DType.F32, 5, 4));
    save(tied(), tensors);
    HuggingFaceDirectory.open(directory).close();

    tensors.set(tensors.size() - 1, TensorHeader.of("lm_head.weight", DType.BF16, 5, 4));
    save(tied(), tensors);
    assertRefused(directory, "'lm_head.weight'", "differs from", "set it to false");
  }

  @Test
  void pickleFilesAreRefusedWithWhatIsSupported() throws IOException {
    ConfigJson.of(TINY, DType.F32).write(directory.resolve("config.json"));
    Files.writeString(directory.resolve("pytorch_model.bin"), "");
    assertRefused(directory, "pytorch_model.bin", "supported is safetensors", "save_pretrained");
  }

  @Test
  void aDirectoryWithoutConfigIsRefused() {
    assertRefused(directory, "has no config.json");
  }

  private void save(LlamaConfig config, List<TensorHeader> tensors) throws IOException {
    ConfigJson.of(config, DType.F32).write(directory.resolve("config.json"));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(directory.resolve("model.safetensors"), tensors, Map.of())) {
      for (TensorHeader tensor : tensors) {
        int count = (int) (tensor.bytes() / tensor.dtype().bytes());
        if (tensor.dtype().isFloat()) {
          writer.writeFloats(tensor.name(), MemorySegment.ofArray(counting(count)));
        } else {
          writer.write(tensor.name(), MemorySegment.ofArray(new byte[count]));
        }
      }
      writer.commit();
    }
  }

  private static float[] counting(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i;
    }
    return values;
  }

  private static List<TensorHeader> tensors(LlamaConfig config) {
    List<TensorHeader> tensors = new ArrayList<>();
    for (TensorSpec tensor : config.tensors()) {
      tensors.add(TensorHeader.of(tensor.name(), DType.F32, tensor.shape()));
    }
    return tensors;
  }

  private static void assertRefused(Path home, String... parts) {
    assertThatThrownBy(() -> HuggingFaceDirectory.open(home))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n")
        .hasMessageStartingWith(home.toString());
  }
}
