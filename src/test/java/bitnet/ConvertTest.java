package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Models that others made run here, and models go into every other form and back.
class ConvertTest {
  private static final Path FIXTURES = Path.of("../../bitnet-core/src/test/resources/fixtures");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"packed-bitlinear", "packed-autobitlinear", "online-autobitlinear"})
  void inferContinuesAModelOfTransformersAsTransformersDoes(String fixture) throws IOException {
    Path model = Files.createDirectory(directory.resolve(fixture));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(FIXTURES.resolve(fixture).resolve(name), model.resolve(name));
    }
    JsonNode expected =
        JSON.readTree(Files.readAllBytes(FIXTURES.resolve(fixture).resolve("expected.json")));
    Files.writeString(model.resolve("tokenizer.json"), words(vocabulary(model)));
    StringJoiner prompt = new StringJoiner(" ");
    expected.path("input_ids").path(0).forEach(id -> prompt.add("t" + id.asInt()));

    CommandRun run =
        CommandRun.succeeding(
            "infer",
            "--model_path",
            model,
            "--prompt",
            prompt,
            "--max_length=16",
            "--temperature=0",
            "--lm_head=fp32", // transformers has no 8-bit head, and some tokens are all but equal
            "--kv_cache=fp32",
            "--json");

    List<Integer> greedy = new ArrayList<>();
    for (JsonNode id : expected.path("greedy")) {
      if (id.asInt() == 2) {
        break; // the end of the text, by config.json
      }
      greedy.add(id.asInt());
    }
    List<Integer> tokens = new ArrayList<>();
    JSON.readTree(run.out()).path("tokens").forEach(id -> tokens.add(id.asInt()));
    assertThat(tokens).startsWith(greedy.toArray(Integer[]::new));
  }

  private static int vocabulary(Path model) throws IOException {
    return JSON.readTree(Files.readAllBytes(model.resolve("config.json")))
        .path("vocab_size")
        .asInt();
  }

  /// A tokenizer whose token of id 7 is the word t7.
  private static String words(int count) {
    StringJoiner vocabulary = new StringJoiner(", ");
    for (int id = 0; id < count; id++) {
      vocabulary.add("\"t%d\": %d".formatted(id, id));
    }
    return """
    {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
     "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
     "post_processor": null, "decoder": null,
     "model": {"type": "WordLevel", "unk_token": "t0", "vocab": {%s}}}
    """
        .formatted(vocabulary);
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf-bitlinear", "hf-autobitlinear", "hf-online"})
  void aModelGoesThereAndBackWithEveryLogitUnchanged(String format) {
    Path model = CommandRun.tinyModel(directory.resolve("model"));
    Path there = directory.resolve("there");
    Path back = directory.resolve("back");

    CommandRun run =
        CommandRun.succeeding(
            "convert", "--from", model, "--to", there, "--format", format, "--json");
    CommandRun.succeeding("convert", "--from", there, "--to", back, "--format", "native");

    assertThat(run.out()).contains("\"format\":\"" + format + "\"", "\"parameters\":139584");
    String logits = logits(there);
    assertThat(logits(back)).isEqualTo(logits);
    assertThat(CommandRun.succeeding("infer", "--model_path", back, "--prompt=A").out())
        .isNotEmpty();
  }

  private static String logits(Path model) {
    return CommandRun.succeeding("logits", "--model_path", model, "--ids=1,2,3", "--json").out();
  }

  @Test
  void whatCannotBeConvertedIsAnsweredInOneLine() {
    Path model = CommandRun.tinyModel(directory.resolve("model"));
    assertRefused(
        2, "format \"hf\" is unknown; use one of", "--from", model, "--to=x", "--format=hf");
    assertRefused(
        2, "is the model that is read", "--from", model, "--to", model, "--format=native");
    assertRefused(
        1, "no such file", "--from", directory.resolve("none"), "--to=x", "--format=native");
    assertRefused(
        2,
        "already exists and is not a model directory",
        "--from",
        model,
        "--to",
        directory,
        "--format=hf-online");
  }

  private static void assertRefused(int exitCode, String reason, Object... args) {
    CommandRun refused = CommandRun.of(CommandRun.with(new Object[] {"convert"}, args));
    assertThat(refused.err().lines()).singleElement().asString().contains(reason);
    assertThat(refused.exitCode()).isEqualTo(exitCode);
  }
}
