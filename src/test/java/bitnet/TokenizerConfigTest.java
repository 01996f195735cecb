package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a tokenizer_config.json says, and what the commands make of it.
class TokenizerConfigTest {
  private static final Path TOKENIZER =
      ScriptRun.ROOT.resolve("bitnet-core/src/test/resources/fixtures/tokenizers/bos");

  @TempDir private static Path directory;
  private static Path model;

  @BeforeAll
  static void makeModel() {
    model = directory.resolve("model");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=64",
        "--layers=1",
        "--heads=1",
        "--context=128",
        "--tokenizer",
        TOKENIZER.resolve("tokenizer.json"),
        "--output_dir",
        model);
  }

  private static int promptTokens(String err, String label) {
    Matcher count = Pattern.compile(label + " (\\d+) tokens").matcher(err);
    assertThat(count.find()).as(err).isTrue();
    return Integer.parseInt(count.group(1));
  }

  @Test
  void aConversationWithoutATemplateHasTheTokensThatInferGivesItsText() throws Exception {
    ScriptRun.assumeBuilt();
    String launcher = ScriptRun.ROOT.resolve("scripts/bitnet").toString();
    ScriptRun infer =
        ScriptRun.in(
            directory,
            Map.of(),
            launcher,
            "infer",
            "--model_path=" + model,
            "--prompt=<user>Hi</user><assistant>",
            "--max_length=1",
            "--stats");
    ScriptRun chat =
        ScriptRun.in(
            directory,
            Map.of(),
            "sh",
            "-c",
            "echo Hi | '%s' chat --model_path='%s' --max_length=1 --stats"
                .formatted(launcher, model));

    assertThat(promptTokens(chat.err(), "read")).isEqualTo(promptTokens(infer.err(), "prompt"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"pad_token", "bos_token"})
  void aTokenThatIsNotThereIsNamedAndDoesNotMatter(String key) throws IOException {
    Path copy = Files.createDirectory(directory.resolve(key));
    Files.copy(TOKENIZER.resolve("tokenizer.json"), copy.resolve("tokenizer.json"));
    Files.writeString(copy.resolve("tokenizer_config.json"), "{\"%s\": \"[NONE]\"}".formatted(key));
    Path made = directory.resolve("model-" + key);
    CommandRun.of(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=64",
        "--layers=1",
        "--heads=1",
        "--tokenizer",
        copy.resolve("tokenizer.json"),
        "--output_dir",
        made);
    CommandRun run =
        CommandRun.of("infer", "--model_path", made, "--prompt", "a", "--max_length", "2");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err().lines())
        .singleElement()
        .asString()
        .contains("tokenizer_config.json: %s \"[NONE]\" is not a token of".formatted(key));
  }
}
