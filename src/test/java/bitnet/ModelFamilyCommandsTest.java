package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.StringJoiner;
import java.util.stream.Stream;
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
    assertThat(run.err())
        .contains("packed-bitlinear is a ternary model, which has no full precision; leave");
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
  @ValueSource(strings = {"qwen3-yarn", "qwen2-bias", "llama3-rope"})
  void inferInFullPrecisionWritesTheGreedyTokensOfTransformers(String name) throws IOException {
    Path model = model(name);
    JsonNode expected =
        JSON.readTree(FIXTURES.resolve("families").resolve(name).resolve("expected.json").toFile());
    StringJoiner prompt = new StringJoiner(" ");
    expected.at("/input_ids/0").forEach(id -> prompt.add("t" + id.asInt()));
    CommandRun run =
        CommandRun.succeeding(
            "infer",
            "--model_path",
            model,
            "--prompt",
            prompt,
            "--max_length=16",
            "--temperature=0",
            "--full_precision",
            "--json");
    assertThat(JSON.readTree(run.out()).path("tokens")).isEqualTo(expected.path("greedy"));
    assertThat(run.err()).isEmpty();
    CommandRun ternary =
        CommandRun.of(
            "infer", "--model_path", model, "--prompt", prompt, "--max_length=1", "--json");
    assertThat(ternary.exitCode()).isZero();
    assertThat(ternary.err()).contains("is a full-precision model and is made ternary");
  }

  /// The same number as from the logits that transformers computed.
  @Test
  void perplexityInFullPrecisionIsThatOfTransformersLogits() throws IOException {
    Path model = model("qwen3-yarn");
    Path fixture = FIXTURES.resolve("families/qwen3-yarn/expected.json");
    JsonNode expected = JSON.readTree(fixture.toFile());
    JsonNode ids = expected.at("/input_ids/0");
    StringJoiner text = new StringJoiner(" ");
    ids.forEach(id -> text.add("t" + id.asInt()));
    double sum = 0;
    for (int position = 0; position + 1 < ids.size(); position++) {
      JsonNode row = expected.at("/logits/0").path(position);
      double mass = 0;
      for (JsonNode logit : row) {
        mass += Math.exp(logit.doubleValue());
      }
      sum += Math.log(mass) - row.path(ids.path(position + 1).asInt()).doubleValue();
    }
    Path file = Files.writeString(directory.resolve("text.txt"), text.toString());
    CommandRun run =
        CommandRun.succeeding(
            "evaluate",
            "--task",
            "perplexity",
            "--dataset",
            file,
            "--model",
            "dense=" + model,
            "--context",
            ids.size(),
            "--full_precision",
            "--json");
    double found = JSON.readTree(run.out()).at("/models/dense/nats_per_token/value").doubleValue();
    assertThat(found).isCloseTo(sum / (ids.size() - 1), within(1e-4));
  }

  @ParameterizedTest
  @CsvSource({"float, expected.json", "int8, expected-int8.json"})
  void aGroupTernaryGgufFileGivesTheLogitsOfTransformers(String activations, String expected)
      throws IOException {
    Path families = FIXTURES.resolve("families");
    JsonNode reference =
        JSON.readTree(families.resolve("ternary-group/untied").resolve(expected).toFile());
    StringJoiner ids = new StringJoiner(" ");
    reference.at("/input_ids/0").forEach(id -> ids.add(id.asText()));
    for (String file : new String[] {"gguf/untied-PTQ1_0.gguf", "ternary-group/untied"}) {
      CommandRun run =
          CommandRun.succeeding(
              "logits",
              "--model_path",
              families.resolve(file),
              "--ids",
              ids,
              "--activations",
              activations,
              "--json");
      assertClose(logits(run), reference.at("/logits/0"), 1e-4f);
    }
  }

  @Test
  void aModelWithoutGroupScalesHasNoActivationsByGroup() {
    CommandRun run =
        CommandRun.of(
            "logits",
            "--model_path",
            FIXTURES.resolve("packed-bitlinear"),
            "--ids",
            "1 2 3",
            "--activations",
            "int8-group");
    assertThat(run.exitCode()).isNotZero();
    assertThat(run.err()).contains("activations int8-group need weights with group scales");
  }

  /// Created, trained, resumed, exported and read again.
  @ParameterizedTest
  @CsvSource({
    "qwen2, 0, int8, hf-bitlinear",
    "qwen3, 0, int8, gguf-tq1_0",
    "bitnet, 0, int8, gguf-f16",
    "qwen3, 64, int8-group, gguf-q2_0",
    "qwen3, 128, float, hf-float",
    "llama, 64, int8, native"
  })
  void aModelOfEveryFamilyIsTrainedResumedAndExported(
      String family, int scaleColumns, String activations, String format) throws IOException {
    Path blank = directory.resolve("blank");
    CommandRun created =
        CommandRun.succeeding(
            "create-model",
            "--family",
            family,
            "--hidden_size=256",
            "--intermediate_size=256",
            "--layers=2",
            "--heads=4",
            "--kv_heads=2",
            "--tokenizer=bytes",
            "--context=64",
            "--scale_columns",
            scaleColumns,
            "--activations",
            activations,
            "--output_dir",
            blank,
            "--json");
    assertThat(JSON.readTree(created.out()).path("family").asText()).isEqualTo(family);
    Path text = Files.writeString(directory.resolve("text.txt"), "to be or not to be ".repeat(200));
    Path run = directory.resolve("run");
    Path model = run.resolve("model");
    Object[] training = {
      "train-ce",
      "--model_path=" + blank,
      "--dataset=" + text,
      "--text_format=document",
      "--output_dir=" + run,
      "--iters=6",
      "--batch_size=2",
      "--seq_len=32",
      "--eval_tokens=0",
      "--save_interval=3",
      "--threads=1",
    };
    CommandRun.succeeding(training);
    byte[] whole = Files.readAllBytes(model.resolve("model.safetensors"));
    delete(model);
    delete(run.resolve("checkpoints/step-00000006"));
    CommandRun.succeeding(CommandRun.with(training, "--resume", "auto"));
    assertThat(model.resolve("model.safetensors")).hasBinaryContent(whole);
    Path exported = directory.resolve("exported");
    if (format.equals("native")) {
      exported = model;
    } else {
      CommandRun.succeeding("convert", "--from", run, "--to", exported, "--format", format);
    }
    JsonNode trained = logits("logits", "--model_path", model, "--ids", "116 111 32", "--json");
    JsonNode read = logits("logits", "--model_path", exported, "--ids", "116 111 32", "--json");
    assertClose(read, trained, 0.02f); // head and embedding are rounded
    CommandRun.succeeding("verify", "--model_path", exported);
    CommandRun.succeeding(
        "infer", "--model_path", exported, "--prompt", "to be", "--max_length=4", "--json");
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> found = Files.walk(directory)) {
      for (Path path : found.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static JsonNode logits(Object... arguments) throws IOException {
    return logits(CommandRun.succeeding(arguments));
  }
}
