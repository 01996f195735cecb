package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.StringJoiner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Models of other families than LLaMA through the command line.
class ModelFamilyCommandsTest {
  private static final Path FIXTURES = Path.of("../../bitnet-core/src/test/resources/fixtures");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  /// A copy of the fixture with a tokenizer whose token 7 is the word t7.
  private Path model(String name) throws IOException {
    Path fixture = FIXTURES.resolve("families").resolve(name);
    Path model = Files.createDirectory(directory.resolve(name));
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(fixture.resolve(file), model.resolve(file));
    }
    StringJoiner vocabulary = new StringJoiner(", ");
    int count = JSON.readTree(fixture.resolve("config.json").toFile()).path("vocab_size").asInt();
    for (int id = 0; id < count; id++) {
      vocabulary.add("\"t%d\": %d".formatted(id, id));
    }
    Files.writeString(
        model.resolve("tokenizer.json"),
        """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
         "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
         "post_processor": null, "decoder": null,
         "model": {"type": "WordLevel", "unk_token": "t0", "vocab": {%s}}}\
        """
            .formatted(vocabulary));
    return model;
  }

  private static JsonNode logits(CommandRun run) throws IOException {
    assertThat(run.exitCode()).as(run.err()).isZero();
    return JSON.readTree(run.out()).path("logits");
  }

  private static void assertClose(JsonNode actual, JsonNode expected, float tolerance) {
    assertThat(actual).hasSameSizeAs(expected).isNotEmpty();
    for (int position = 0; position < actual.size(); position++) {
      assertThat(actual.get(position)).hasSameSizeAs(expected.get(position));
      for (int token = 0; token < actual.get(position).size(); token++) {
        assertThat(actual.get(position).get(token).floatValue())
            .isCloseTo(expected.get(position).get(token).floatValue(), within(tolerance));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen3-yarn", "qwen2-bias", "llama3-rope"})
  void logitsInFullPrecisionEqualThoseOfTransformers(String name) throws IOException {
    Path fixture = FIXTURES.resolve("families").resolve(name);
    JsonNode expected = JSON.readTree(fixture.resolve("expected.json").toFile());
    StringJoiner ids = new StringJoiner(" ");
    expected.at("/input_ids/0").forEach(id -> ids.add(id.asText()));
    CommandRun run =
        CommandRun.succeeding(
            "logits", "--model_path", fixture, "--ids", ids, "--full_precision", "--json");
    assertClose(logits(run), expected.at("/logits/0"), 1e-4f);
  }

  @Test
  void withoutTheOptionTheModelIsMadeTernaryAndALineSaysSo() throws IOException {
    CommandRun run = CommandRun.of("logits", "--model_path", model("qwen3-yarn"), "--ids", "1 2 3");
    assertThat(run.exitCode()).isZero();
    assertThat(run.err())
        .contains("qwen3-yarn: is a full-precision model and is made ternary; --full_precision");
  }

  @Test
  void aTernaryModelIsNotComputedInFullPrecision() {
    CommandRun run =
        CommandRun.of(
            "logits",
            "--model_path",
            FIXTURES.resolve("packed-bitlinear"),
            "--ids",
            "1 2 3",
            "--full_precision");
    assertThat(run.exitCode()).isNotZero();
    assertThat(run.err()).contains("packed-bitlinear is a ternary model; leave the option out");
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen3-yarn", "qwen2-bias"})
  void aModelDirectoryKeepsAFamilyAndRunsPacked(String name) throws IOException {
    Path model = model(name);
    Path own = directory.resolve("own");
    CommandRun.succeeding("convert", "--from", model, "--to", own, "--format", "native");
    String[] ids = {"--ids", "1 2 3 4", "--json"};
    JsonNode before =
        logits(CommandRun.of("logits", "--model_path", model, ids[0], ids[1], ids[2]));
    JsonNode after = logits(CommandRun.of("logits", "--model_path", own, ids[0], ids[1], ids[2]));
    assertClose(after, before, 1e-3f);
    CommandRun.succeeding("verify", "--model_path", own);
    JsonNode inferred =
        JSON.readTree(
            CommandRun.succeeding(
                    "infer",
                    "--model_path",
                    own,
                    "--prompt",
                    "t1 t2 t3 t4",
                    "--max_length=1",
                    "--temperature=0",
                    "--lm_head=fp32",
                    "--kv_cache=fp32",
                    "--json")
                .out());
    assertThat(inferred.path("tokens").path(0).asInt()).isEqualTo(best(after.get(3)));
  }

  private static int best(JsonNode logits) {
    int best = 0;
    for (int token = 1; token < logits.size(); token++) {
      best = logits.get(token).floatValue() > logits.get(best).floatValue() ? token : best;
    }
    return best;
  }

  @ParameterizedTest
  @CsvSource({
    "qwen3-yarn, hf-online, the export to Hugging Face, q_norm and k_norm and rope scaling",
    "qwen2-bias, hf-bitlinear, the export to Hugging Face, biases of attention",
    "llama3-rope, gguf-tq2_0, the export to GGUF, rope scaling \"llama3\""
  })
  void anExportThatWouldLosePiecesOfAFamilyIsRefusedByName(
      String name, String format, String part, String pieces) throws IOException {
    CommandRun run =
        CommandRun.of(
            "convert",
            "--from",
            model(name),
            "--to",
            directory.resolve("target"),
            "--format",
            format);
    assertThat(run.exitCode()).isNotZero();
    assertThat(run.err()).contains(part + " does not support this model's ").contains(pieces);
    assertThat(directory.resolve("target")).doesNotExist();
  }
}
