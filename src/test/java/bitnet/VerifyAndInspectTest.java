package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VerifyAndInspectTest {
  private static final Path FIXTURES = Path.of("../../bitnet-core/src/test/resources/fixtures");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"packed-bitlinear", "packed-autobitlinear", "online-autobitlinear"})
  void verifyFindsNothingWrongAndTheLogitsOfTransformers(String fixture) {
    Path model = FIXTURES.resolve(fixture);
    CommandRun run =
        CommandRun.succeeding(
            "verify", "--model_path", model, "--reference", model.resolve("expected.json"));
    assertThat(run.out().lines())
        .hasSize(2)
        .first()
        .asString()
        .contains("reference  34 positions, the same best token at 34, greatest difference ");
    assertThat(run.out()).endsWith(": nothing is wrong" + System.lineSeparator());
  }

  @Test
  void whatLogitsPrintsIsAReference() throws IOException {
    Path model = FIXTURES.resolve("packed-bitlinear");
    String logits =
        CommandRun.succeeding("logits", "--model_path", model, "--ids=1,2,3", "--json").out();
    Path reference = directory.resolve("reference.json");
    Files.writeString(reference, logits.replaceFirst("\\{", "{\"ids\": [1, 2, 3], "));
    CommandRun same =
        CommandRun.succeeding("verify", "--model_path", model, "--reference", reference, "--json");
    JsonNode seen = JSON.readTree(same.out());
    assertThat(seen.path("findings")).isEmpty();
    assertThat(seen.path("reference").path("greatest_difference").asDouble()).isZero();

    CommandRun other =
        CommandRun.of(
            "verify",
            "--model_path",
            FIXTURES.resolve("packed-bitlinear"),
            "--reference",
            Files.writeString(reference, logits.replaceFirst("\\{", "{\"ids\": [1, 2, 4], ")));
    assertThat(other.exitCode()).isEqualTo(1);
    assertThat(other.out()).contains("wrong      logits: token ", "at position 2", ": 1 finding");
  }

  @Test
  void invertedScalesAreNamedAndEndWithAFailure() throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(FIXTURES.resolve("packed-bitlinear").resolve(name), directory.resolve(name));
    }
    Path config = directory.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"bitlinear\"", "\"autobitlinear\""));
    CommandRun run = CommandRun.of("verify", "--model_path", directory);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.out()).contains("wrong      weight_scale: the scales seem inverted");
    assertThat(run.err()).isEmpty();
  }

  @Test
  void aReferenceThatIsNoneIsNamed() throws IOException {
    Path reference = Files.writeString(directory.resolve("r.json"), "{\"ids\": [1]}");
    CommandRun run =
        CommandRun.of(
            "verify",
            "--model_path",
            FIXTURES.resolve("packed-bitlinear"),
            "--reference",
            reference);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).contains("r.json: is not a reference file; it must be");
  }

  @Test
  void inspectShowsEveryTensorAsTableAsJsonAndAsAPage() throws IOException {
    Path model = CommandRun.tinyModel(directory.resolve("<b>&'\"model"));
    Path page = directory.resolve("page.html");
    String table = CommandRun.succeeding("inspect", model, "--html", page).out();
    assertThat(table.lines())
        .anyMatch(line -> line.contains("139,584 parameters, 106,496 ternary; 2 layers"))
        .anyMatch(
            line ->
                line.matches(
                    "model\\.layers\\.1\\.mlp\\.down_proj\\.weight +base-3 +64 x 192 +2,\\d{3} +"
                        + "\\d\\d\\.\\d% +\\d\\d\\.\\d% +\\d\\d\\.\\d%  0\\.01\\d+"))
        .anyMatch(line -> line.startsWith("lm_head.weight") && line.contains("BF16"));
    JsonNode json = JSON.readTree(CommandRun.succeeding("inspect", model, "--json").out());
    assertThat(json.path("tensors")).hasSize(21);
    JsonNode linear = json.path("tensors").path(2);
    assertThat(linear.path("name").asText()).isEqualTo("model.layers.0.self_attn.q_proj.weight");
    assertThat(
            linear.path("negative").asDouble()
                + linear.path("zero").asDouble()
                + linear.path("positive").asDouble())
        .isBetween(0.999999, 1.000001);
    String html = Files.readString(page);
    assertThat(html)
        .startsWith("<!DOCTYPE html>")
        .contains("&lt;b&gt;&amp;&#39;&quot;model", "<svg viewBox", "prefers-color-scheme: dark")
        .doesNotContain("<b>&'", "<script", "http");
  }
}
