package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.format.safetensors.TensorEntry;
import bitnet.model.Activation;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelVerificationTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
  private static final String DOWN = "model.layers.1.mlp.down_proj.weight";

  @TempDir private Path directory;

  private Path copy(String fixture) throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(
          FIXTURES.resolve(fixture).resolve(name),
          directory.resolve(name),
          StandardCopyOption.REPLACE_EXISTING);
    }
    return directory;
  }

  private void edit(String from, String to) throws IOException {
    Path config = directory.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(from);
    Files.writeString(config, text.replace(from, to));
  }

  /// Writes the tensors again with one of them changed.
  private void rewrite(String name, UnaryOperator<byte[]> change) throws IOException {
    Path file = directory.resolve("model.safetensors");
    Path old = Files.move(file, directory.resolve("old"));
    try (SafetensorsFile whole = SafetensorsFile.open(old)) {
      List<TensorHeader> headers = new ArrayList<>();
      for (TensorEntry entry : whole.entries()) {
        headers.add(new TensorHeader(entry.name(), entry.dtype(), entry.shape()));
      }
      try (SafetensorsWriter writer = SafetensorsWriter.create(file, headers, Map.of())) {
        for (TensorHeader each : headers) {
          byte[] bytes = whole.data(whole.require(each.name())).toArray(ValueLayout.JAVA_BYTE);
          writer.write(
              each.name(),
              MemorySegment.ofArray(each.name().equals(name) ? change.apply(bytes) : bytes));
        }
        writer.commit();
      }
    }
    Files.delete(old);
  }

  private static byte[] floats(float value, int count) {
    ByteBuffer buffer = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      buffer.putFloat(value);
    }
    return buffer.array();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "packed-bitlinear",
        "packed-autobitlinear",
        "online-autobitlinear",
        "train-step",
        "rms-norm-bitlinear",
        "rms-norm-autobitlinear",
        "rms-norm-online"
      })
  void nothingIsWrongWithWhatTransformersWrote(String fixture) throws IOException {
    assertThat(ModelVerification.findings(copy(fixture))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"false, SILU", "true, SILU", "true, RELU_SQUARED"})
  void nothingIsWrongWithWhatThisToolkitWrites(boolean subNorms, Activation activation)
      throws IOException {
    LlamaConfig config =
        LlamaConfig.of(256, 64, 96, 2, 4)
            .withKeyValueHeads(2)
            .withContextLength(64)
            .withActivation(activation)
            .withSubNorms(subNorms);
    Path model = directory.resolve("model");
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.write(
          model,
          new BlankWeights(config, new LatentInitializer(1, 0.02)),
          tokenizer,
          false,
          ModelDirectory.Existing.REFUSE);
    }
    assertThat(ModelVerification.findings(model)).isEmpty();
    Path export = directory.resolve("export");
    try (ModelSource source = ModelSource.open(model)) {
      ModelFormat.HF_BITLINEAR.write(
          export, source, ModelDirectory.Existing.REFUSE, parameters -> {});
    }
    assertThat(ModelVerification.findings(export)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "qwen3-yarn | qwen3 | Qwen3 | llama | Llama | q_norm and k_norm; that is model_type qwen3",
        "qwen3-yarn | qwen3 | Qwen3 | qwen2 | Qwen2 | model_type is qwen2 but the weights have no",
        "qwen2-bias | qwen2 | Qwen2 | llama | Llama | of q, k and v only; that is model_type qwen2",
        "qwen2-bias | qwen2 | Qwen2 | qwen3 | Qwen3 | model_type is qwen3 but the weights have no"
            + " q_norm",
        "llama3-rope | llama | Llama | qwen2 | Qwen2 | but the weights have no biases of q, k and v"
      })
  void aConfigOfAnotherFamilyThanTheWeightsIsNamed(
      String fixture, String type, String name, String otherType, String otherName, String hint)
      throws IOException {
    copy("families/" + fixture);
    assertThat(ModelVerification.findings(directory)).isEmpty();
    edit("\"model_type\": \"%s\"".formatted(type), "\"model_type\": \"%s\"".formatted(otherType));
    edit(name + "ForCausalLM", otherName + "ForCausalLM");
    assertThat(ModelVerification.findings(directory))
        .anySatisfy(line -> assertThat(line).contains(hint));
  }

  @Test
  void aQwenWithTheDefaultBaseOfFrequenciesIsNamed() throws IOException {
    copy("families/qwen3-yarn");
    edit("\"rope_theta\": 50000.0,", "");
    assertThat(ModelVerification.findings(directory))
        .singleElement()
        .asString()
        .contains("rope_theta is 10000, the default where it is missing");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "untied-Q2_0",
        "untied-Q2_0-legacy128",
        "untied-PQ2_0",
        "tied-PTQ1_0",
        "qwen2-bias-F16",
        "llama3-rope-BF16"
      })
  void nothingIsWrongWithGgufFilesOfOtherFamilies(String name) throws IOException {
    Path file = FIXTURES.resolve("families/gguf").resolve(name + ".gguf");
    assertThat(ModelVerification.findings(file)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "packed-bitlinear, \"bitlinear\", \"autobitlinear\", 25",
    "packed-autobitlinear, \"autobitlinear\", \"bitlinear\", 25",
  })
  void scalesReadWithTheWrongLinearClassAreNamedAsInverted(
      String fixture, String from, String to, String scale) throws IOException {
    copy(fixture);
    edit(from, to);
    assertThat(ModelVerification.findings(directory))
        .singleElement()
        .asString()
        .contains("the scales seem inverted", "median is " + scale, "linear_class");
  }

  @Test
  void oneInvertedScaleAmongTheOthersIsNamed() throws IOException {
    copy("packed-bitlinear");
    rewrite(DOWN + "_scale", bytes -> floats(0.04f, 1));
    assertThat(ModelVerification.findings(directory))
        .singleElement()
        .asString()
        .contains(DOWN + ": the scale 25.00 seems inverted", "0.04000 fits");
  }

  @Test
  void aLlamaThatCallsItselfBitNetIsNamed() throws IOException {
    copy("packed-bitlinear");
    edit("\"model_type\": \"llama\"", "\"model_type\": \"bitnet\"");
    edit("LlamaForCausalLM", "BitNetForCausalLM");
    assertThat(ModelVerification.findings(directory))
        .hasSize(2)
        .anyMatch(line -> line.contains("attn_sub_norm.weight': is missing"))
        .anyMatch(line -> line.contains("the weights have no sub-norms"));
  }

  @Test
  void aBitNetThatCallsItselfLlamaIsNamed() throws IOException {
    copy("packed-autobitlinear");
    edit("\"model_type\": \"bitnet\"", "\"model_type\": \"llama\"");
    edit("BitNetForCausalLM", "LlamaForCausalLM");
    assertThat(ModelVerification.findings(directory))
        .anyMatch(line -> line.contains("the weights have sub-norms; that is model_type bitnet"));
  }

  @Test
  void normsInsideTheLinearLayersThatTheConfigDoesNotMentionAreNamed() throws IOException {
    copy("rms-norm-bitlinear");
    edit("\"use_rms_norm\": true", "\"use_rms_norm\": false");
    assertThat(ModelVerification.findings(directory))
        .hasSize(2)
        .anyMatch(line -> line.contains("rms_norm.weight': is not part of the model"))
        .anyMatch(line -> line.contains("set use_rms_norm in quantization_config to true"));
  }

  @Test
  void normsInsideTheLinearLayersThatAreMissingAreNamed() throws IOException {
    copy("packed-bitlinear");
    edit("\"linear_class\"", "\"use_rms_norm\": true, \"linear_class\"");
    assertThat(ModelVerification.findings(directory))
        .hasSize(2)
        .anyMatch(line -> line.contains("self_attn.q_proj.rms_norm.weight': is missing"))
        .anyMatch(line -> line.contains("the linear layers have no norms (rms_norm)"));
  }

  @Test
  void aBitNetWithoutSquaredReluIsNamed() throws IOException {
    copy("packed-autobitlinear");
    edit("\"hidden_act\": \"relu2\"", "\"hidden_act\": \"silu\"");
    assertThat(ModelVerification.findings(directory))
        .singleElement()
        .asString()
        .contains("hidden_act is \"silu\"", "trained with \"relu2\"");
  }

  @Test
  void aHeadThatShouldBeTiedIsNamedWhetherItIsMissingOrACopy() throws IOException {
    copy("packed-autobitlinear");
    edit("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
    assertThat(ModelVerification.findings(directory))
        .anyMatch(line -> line.contains("no lm_head.weight; the head is the embedding"));

    copy("packed-bitlinear");
    byte[] embedding;
    try (SafetensorsFile file = SafetensorsFile.open(directory.resolve("model.safetensors"))) {
      embedding =
          file.data(file.require("model.embed_tokens.weight")).toArray(ValueLayout.JAVA_BYTE);
    }
    rewrite("lm_head.weight", bytes -> embedding);
    assertThat(ModelVerification.findings(directory))
        .singleElement()
        .asString()
        .contains("lm_head.weight: equals model.embed_tokens.weight", "set it to true");
  }

  @Test
  void damagedContentIsNamedTensorByTensor() throws IOException {
    copy("packed-bitlinear");
    rewrite(DOWN, bytes -> new byte[bytes.length]); // every code 0, so every trit -1
    rewrite("model.norm.weight", bytes -> floats(Float.NaN, bytes.length / 4));
    rewrite("model.layers.0.self_attn.q_proj.weight", bytes -> filled(bytes.length, 0x55));
    rewrite("model.layers.0.self_attn.k_proj.weight", bytes -> filled(bytes.length, 0xFF));
    assertThat(ModelVerification.findings(directory))
        .hasSize(4)
        .anyMatch(line -> line.startsWith(DOWN) && line.contains("the codes may be shifted"))
        .anyMatch(line -> line.startsWith("model.norm.weight: 128 values are NaN"))
        .anyMatch(line -> line.contains("q_proj.weight: every weight is 0"))
        .anyMatch(line -> line.contains("k_proj.weight") && line.contains("the code 3"));
  }

  private static byte[] filled(int size, int value) {
    byte[] bytes = new byte[size];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  @Test
  void aFlippedBitOfAModelDirectoryIsNamed() throws IOException {
    Path model = directory.resolve("model");
    LlamaConfig config =
        LlamaConfig.of(256, 64, 96, 1, 4).withKeyValueHeads(2).withContextLength(64);
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.write(
          model,
          new BlankWeights(config, new LatentInitializer(1, 0.02)),
          tokenizer,
          false,
          ModelDirectory.Existing.REFUSE);
    }
    Path file = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    assertThat(ModelVerification.findings(model))
        .anyMatch(line -> line.contains("its SHA-256 is not the one in manifest.json"));
  }

  @Test
  void aChatTemplateThatDoesNotRenderAndAnEndBeyondTheVocabularyAreNamed() throws IOException {
    copy("packed-bitlinear");
    Files.writeString(directory.resolve("chat_template.jinja"), "{{ nothing(1) }}");
    Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": 78}");
    assertThat(ModelVerification.findings(directory))
        .hasSize(2)
        .anyMatch(line -> line.contains("the chat template does not render"))
        .anyMatch(line -> line.contains("eos_token_id 78 is outside the vocabulary of 78"));
  }
}
