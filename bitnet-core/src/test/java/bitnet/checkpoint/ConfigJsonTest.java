package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.JsonFile;
import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigJsonTest {
  private static final String LLAMA =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 100,
       "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
       "num_attention_heads": 4}\
      """;

  @TempDir private Path directory;

  private ConfigJson read(String text) throws IOException {
    return ConfigJson.read(Files.writeString(directory.resolve("config.json"), text));
  }

  /// A configuration with some fields set or, where the value is empty, removed.
  private static String with(String... fieldsAndValues) throws IOException {
    ObjectNode root = (ObjectNode) JsonFile.MAPPER.readTree(LLAMA);
    for (int i = 0; i < fieldsAndValues.length; i += 2) {
      String value = fieldsAndValues[i + 1];
      if (value.isEmpty()) {
        root.remove(fieldsAndValues[i]);
      } else {
        root.set(fieldsAndValues[i], JsonFile.MAPPER.readTree(value));
      }
    }
    return root.toString();
  }

  @Test
  void whatIsAbsentTakesTheDefaultsOfTransformers() throws IOException {
    assertThat(read(LLAMA).llama())
        .isEqualTo(
            LlamaConfig.of(100, 64, 96, 2, 4).withContextLength(2048).withRmsNormEpsilon(1e-6));
    assertThat(
            read(with("architectures", "[\"BitNetForCausalLM\"]", "model_type", "\"bitnet\""))
                .llama())
        .isEqualTo(
            LlamaConfig.of(100, 64, 96, 2, 4)
                .withContextLength(2048)
                .withRopeTheta(500_000)
                .withActivation(Activation.RELU_SQUARED)
                .withSubNorms(true));
  }

  @Test
  void theConfigurationOfMicrosoftsBitNet2BIsRead() throws IOException {
    ConfigJson json =
        read(
            """
            {"architectures": ["BitNetForCausalLM"], "bos_token_id": 128000,
             "eos_token_id": [128001, 128009], "hidden_act": "relu2", "hidden_size": 2560,
             "initializer_range": 0.02, "intermediate_size": 6912,
             "max_position_embeddings": 4096, "model_type": "bitnet", "rms_norm_eps": 1e-05,
             "num_attention_heads": 20, "num_hidden_layers": 30, "num_key_value_heads": 5,
             "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
             "use_cache": true, "vocab_size": 128256,
             "quantization_config": {"quant_method": "bitnet", "linear_class": "autobitlinear",
                                     "quantization_mode": "online"}}\
            """);
    assertThat(json.llama().parameterCount()).isEqualTo(2_412_820_480L);
    assertThat(json.llama().tiedHead()).isTrue();
    assertThat(json.dtype()).isEqualTo(DType.BF16);
    assertThat(json.beginTokens()).containsExactly(128000);
    assertThat(json.endTokens()).containsExactly(128001, 128009);
    assertThat(json.quantization()).map(Quantization::isLatent).contains(true);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"rope_theta\": 7777.5, \"rope_type\": \"default\"}",
        "{\"rope_theta\": 7777.5, \"rope_type\": \"default\", \"partial_rotary_factor\": 1.0}"
      })
  void ropeThetaMayStandInRopeParameters(String parameters) throws IOException {
    assertThat(read(with("rope_parameters", parameters)).llama().ropeTheta()).isEqualTo(7777.5);
    assertThat(read(with("rope_theta", "7777.5")).llama().ropeTheta()).isEqualTo(7777.5);
    assertThat(read(with("rope_theta", "7777.5", "rope_scaling", "null")).llama().ropeTheta())
        .isEqualTo(7777.5);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "vocab_size             | ``        | vocab_size is missing; it must be a whole number",
        "vocab_size             | `null`    | vocab_size is missing",
        "hidden_size            | `\"64\"`  | hidden_size is \"64\"; it must be a whole number",
        "hidden_size            | `64.5`    | hidden_size is 64.5",
        "hidden_size            | `64.0`    | hidden_size is 64.0",
        "hidden_size            | `-64`     | hidden_size is -64",
        "hidden_size            | `1e99`    | hidden_size is 1",
        "hidden_size            | `99999999999999999999` | it must be a whole number from 1 to",
        "hidden_size            | `66`      | head_dim is missing; hidden_size 66 is not a"
            + " multiple",
        "intermediate_size      | `[96]`    | intermediate_size is [96]",
        "num_hidden_layers      | `0`       | num_hidden_layers is 0; it must be a whole number",
        "num_hidden_layers      | `2147483647` | from 1 to 10000",
        "num_attention_heads    | `true`    | num_attention_heads is true",
        "num_key_value_heads    | `3`       | num_attention_heads 4 is not a multiple of",
        "head_dim               | `15`      | head_dim 15 is odd",
        "head_dim               | `16777216` | times head_dim 16777216 it must be at most",
        "max_position_embeddings| `0`       | max_position_embeddings is 0",
        "rms_norm_eps           | `0`       | rms_norm_eps 0.0 is not between 0 and 1; use 1e-5",
        "rms_norm_eps           | `\"x\"`   | rms_norm_eps is \"x\"; it must be a finite number",
        "rope_theta             | `1e400`   | rope_theta",
        "rope_theta             | `0.5`     | rope_theta 0.5 is not a finite number above 1",
        "rope_scaling | `{\"type\":\"dynamic\",\"factor\":2}` | rope_scaling.type is \"dynamic\";"
            + " this",
        "rope_scaling | `{\"type\":\"linear\",\"factor\":0.5}` | the factor 0.5 of rope scaling is"
            + " not",
        "rope_scaling | `{\"factor\":2}` | rope_scaling.factor is 2; it needs a rope_type",
        "rope_parameters | `{\"rope_type\":\"llama3\"}` | rope_parameters.factor is missing; rope",
        "rope_parameters | `{\"rope_type\":\"longrope\"}` | supported are default, linear, llama3"
            + " and",
        "rope_parameters | `{\"rope_type\":\"yarn\",\"factor\":4,\"beta_fast\":0.5}` | beta_fast"
            + " 0.5 is",
        "rope_parameters | `{\"rope_type\":\"yarn\",\"factor\":4,\"attention_factor\":0}` |"
            + " attention_factor",
        "rope_parameters | `{\"rope_type\":\"yarn\",\"factor\":-4}` | the factor -4.0 of rope"
            + " scaling",
        "rope_parameters | `{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4}` |"
            + " high_freq_factor",
        "use_sliding_window     | `true`    | windows of attention are not supported",
        "layer_types | `[\"sliding_attention\"]` | only \"full_attention\" is supported",
        "rope_parameters | `{\"partial_rotary_factor\":0.5}` | only 1 is supported",
        "rope_parameters        | `[]`      | rope_parameters is []; it must be an object",
        "hidden_act             | `\"gelu\"` | hidden_act \"gelu\" is unknown; use one of",
        "attention_bias         | `1`       | attention_bias is 1; it must be true or false",
        "mlp_bias               | `true`    | mlp_bias is true; biases of the feed-forward",
        "tie_word_embeddings    | `1`       | tie_word_embeddings is 1; it must be true or false",
        "architectures | `[\"MistralForCausalLM\"]` | architectures [MistralForCausalLM]",
        "model_type             | `\"gpt2\"` | supported are LlamaForCausalLM (llama)",
        "dtype                  | `\"int8\"` | dtype is \"int8\"; it must be one of [bfloat16,",
        "eos_token_id           | `\"2\"`   | eos_token_id is \"2\"; it must be a whole number or",
        "eos_token_id           | `[2,2.5]` | eos_token_id is [2,2.5]",
        "bitnet                 | `1`       | bitnet is 1; it must be an object",
        "quantization_config    | `[]`      | quantization_config is []; it must be an object",
        "quantization_config | `{\"quant_method\":\"gptq\"}` | quantization_config.quant_method is",
        "quantization_config | `{\"linear_class\":\"x\"}` | one of [bitlinear, autobitlinear]",
        "quantization_config | `{\"use_rms_norm\":\"no\"}` | use_rms_norm is \"no\"; it must be"
            + " true",
        "quantization_config | `{\"use_rms_norm\":true,\"rms_norm_eps\":1}` | rms_norm_eps 1.0 of"
            + " the",
        "bitnet              | `{\"linear_norm_eps\":-1}` | rms_norm_eps -1.0 of the linear"
            + " layers'",
        "bitnet | `{\"scale_columns\":48}` | scale_columns 48 is not a multiple of 64; use 64 or"
            + " 128",
        "bitnet | `{\"scale_columns\":-64}` | bitnet.scale_columns is -64; it must be a whole"
            + " number",
        "bitnet | `{\"scale_columns\":\"128\"}` | bitnet.scale_columns is \"128\"; it must be a"
            + " whole",
        "bitnet | `{\"scale_columns\":1048576}` | hidden_size 64 is not a multiple of"
            + " scale_columns",
        "bitnet | `{\"ternary_head\":true}` | a ternary head needs group scales; set scale_columns",
        "bitnet | `{\"activations\":\"int8-group\"}` | activations int8-group need weights with",
        "bitnet | `{\"activations\":\"int4\"}` | activations \"int4\" is unknown; use one of int8,"
      })
  void anInvalidFieldIsNamedWithItsValueAndARemedy(String field, String value, String expected)
      throws IOException {
    assertRefused(with(field, value == null ? "" : value), expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"rope_type\": \"linear\", \"factor\": 2.0}",
        "{\"rope_type\": \"llama3\", \"factor\": 8.0, \"original_max_position_embeddings\": 64}",
        "{\"rope_type\": \"yarn\", \"factor\": 4.0, \"truncate\": false, \"mscale\": 0.7}"
      })
  void aFamilyIsReadAsItWasWritten(String scaling) throws IOException {
    for (String family : new String[] {"llama Llama", "qwen2 Qwen2", "qwen3 Qwen3"}) {
      String[] names = family.split(" ", -1);
      ConfigJson read =
          read(
              with(
                  "model_type",
                  "\"" + names[0] + "\"",
                  "architectures",
                  "[\"" + names[1] + "ForCausalLM\"]",
                  "num_key_value_heads",
                  "2",
                  "rope_scaling",
                  scaling));
      Path file = directory.resolve("written.json");
      read.write(file);
      assertThat(ConfigJson.read(file).llama()).isEqualTo(read.llama());
    }
  }

  @Test
  void twoRopeThetasThatDisagreeAreRefused() throws IOException {
    assertRefused(
        with("rope_theta", "10000", "rope_parameters", "{\"rope_theta\": 500000}"),
        "rope_parameters.rope_theta is 500000; the top level says 10000.0");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "null", "[]", "{", "{}{}", "{\"a\":1,\"a\":2}", "\ufeff{}", "{\"a\":NaN}"})
  void aFileThatIsNotOneStrictJsonObjectIsRefused(String text) {
    assertRefused(text, "config.json: ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"modules_to_not_convert\":[]}                  | leaves out lm_head",
        "{\"modules_to_not_convert\":[\"lm_head\",\"model.layers.1\"]} | layers.1.self_attn.q_proj",
        "{\"modules_to_not_convert\":[\"lm_head\",\"down_proj\"]} | layers.0.mlp.down_proj",
        "{\"modules_to_not_convert\":[\"lm_head\",\".*up\"]} | model.layers.0.self_attn.q_proj"
      })
  void aQuantizationThatTheModelCannotFollowSaysWhy(String quantization, String expected)
      throws IOException {
    ConfigJson json = read(with("quantization_config", quantization));
    assertThat(json.quantization().orElseThrow().fault(json.llama()).orElseThrow())
        .contains(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"use_rms_norm\":true}",
        "{\"modules_to_not_convert\":null}",
        "{\"modules_to_not_convert\":[\"lm_head\"]}",
        "{\"modules_to_not_convert\":[\"lm_head\",\"model.embed_tokens\"]}"
      })
  void aQuantizationOfExactlyTheLinearLayersIsFollowed(String quantization) throws IOException {
    ConfigJson json = read(with("quantization_config", quantization));
    assertThat(json.quantization().orElseThrow().fault(json.llama())).isEmpty();
  }

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    ObjectNode toolkit = JsonFile.MAPPER.createObjectNode().put("seed", 42).put("init", "normal");
    for (boolean flag : new boolean[] {false, true}) {
      LlamaConfig llama =
          LlamaConfig.of(300, 64, 96, 2, 4)
              .withKeyValueHeads(2)
              .withContextLength(512)
              .withRopeTheta(12_345.5)
              .withActivation(Activation.RELU_SQUARED)
              .withSubNorms(flag)
              .withTiedHead(flag);
      ConfigJson json =
          new ConfigJson(
              llama,
              DType.BF16,
              Optional.of(Quantization.online()),
              List.of(1),
              List.of(2, 3),
              toolkit);
      json.write(directory.resolve("config.json"));
      assertThat(ConfigJson.read(directory.resolve("config.json"))).isEqualTo(json);
    }
  }

  @Test
  void ternaryEmbeddingsAreRecordedInTheToolkitsObject() throws IOException {
    LlamaConfig llama =
        LlamaConfig.of(300, 64, 96, 2, 4)
            .withKeyValueHeads(2)
            .withContextLength(512)
            .withTernaryEmbeddings(true);
    Path file = directory.resolve("config.json");
    ConfigJson.of(llama, DType.F32).write(file);
    ConfigJson json = ConfigJson.read(file);
    assertThat(json.llama()).isEqualTo(llama);
    assertThat(json.toolkit().get("ternary_embeddings").booleanValue()).isTrue();
  }

  @Test
  void normsInsideTheLinearLayersStandWhereTransformersReadsThemOrInTheToolkitsObject()
      throws IOException {
    LlamaConfig llama =
        LlamaConfig.of(300, 64, 96, 2, 4)
            .withKeyValueHeads(2)
            .withContextLength(512)
            .withLinearNormEpsilon(OptionalDouble.of(2e-6));
    Path file = directory.resolve("config.json");
    ConfigJson.of(llama, DType.F32).write(file);
    assertThat(ConfigJson.read(file).llama()).isEqualTo(llama);
    assertThat(ConfigJson.read(file).toolkit().get("linear_norm_eps").doubleValue())
        .isEqualTo(2e-6);
    new ConfigJson(
            llama,
            DType.F32,
            Optional.of(Quantization.online()),
            List.of(),
            List.of(),
            JsonFile.MAPPER.createObjectNode())
        .write(file);
    assertThat(ConfigJson.read(file).llama()).isEqualTo(llama);
    assertThat(JsonFile.read(file, 1 << 20).at("/quantization_config/use_rms_norm").asBoolean())
        .isTrue();
    assertThat(ConfigJson.read(file).toolkit()).isEmpty();
  }

  @Test
  void withoutAnEpsilonOfTheirOwnTheseNormsHaveThatOfTransformers() throws IOException {
    ConfigJson json = read(with("quantization_config", "{\"use_rms_norm\":true}"));
    assertThat(json.llama().linearNormEpsilon()).hasValue(1e-6);
    assertThat(read(with("quantization_config", "{}")).llama().linearNorms()).isFalse();
  }

  @Test
  void threeThousandMutatedFilesAreReadOrRefusedAndNothingElse() throws IOException {
    Random random = new Random(42);
    String seed = Files.readString(Path.of("src/test/resources/fixtures/train-step/config.json"));
    Path file = directory.resolve("config.json");
    for (int i = 0; i < 3_000; i++) {
      StringBuilder text = new StringBuilder(seed);
      int at = random.nextInt(text.length());
      int end = Math.min(text.length(), at + random.nextInt(20));
      switch (random.nextInt(3)) {
        case 0 -> text.setCharAt(at, (char) random.nextInt(256));
        case 1 -> text.insert(random.nextInt(text.length()), text.substring(at, end));
        default -> text.delete(at, end);
      }
      // A new file, because some file systems flush one that is truncated and written again.
      Files.deleteIfExists(file);
      Files.write(file, text.toString().getBytes(StandardCharsets.ISO_8859_1));
      try {
        assertThat(ConfigJson.read(file).llama().vocabSize()).isPositive();
      } catch (CheckpointException refused) {
        assertThat(refused).hasMessageStartingWith(file.toString()).hasMessageNotContaining("\n");
      }
    }
  }

  private void assertRefused(String text, String expected) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(directory.resolve("config.json").toString())
        .hasMessageContaining(expected)
        .hasMessageNotContaining("\n");
  }
}
