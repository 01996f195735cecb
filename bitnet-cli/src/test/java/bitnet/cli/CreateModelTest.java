package bitnet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.checkpoint.ModelDirectory;
import bitnet.cli.output.CreatedModel;
import bitnet.cli.output.ExitCode;
import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CreateModelTest {
  @TempDir private Path directory;

  private record Result(int exitCode, String out, String err) {}

  private static Result bitnet(String line) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode = Main.run(new PrintWriter(out), new PrintWriter(err), line.split(" "));
    return new Result(exitCode, out.toString(), err.toString());
  }

  @Test
  void modelOfARequestedSizeIsDescribedAndOpens() throws IOException {
    Path target = directory.resolve("small");

    Result result = bitnet("create-model --params 1M --seed 5 --output_dir " + target);

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(result.out())
        .containsPattern("requested +1,000,000 parameters")
        .containsPattern("parameters +[\\d,]+, of which")
        .containsPattern("hidden size +\\d+")
        .containsPattern("heads +\\d+ of 64")
        .containsPattern("layers +\\d+")
        .containsPattern("on disk +[\\d.]+ MB in " + target)
        .containsPattern("RAM to train +1[56]\\.\\d MB")
        .contains("RAM to run");
    try (ModelDirectory model = ModelDirectory.open(target);
        Tokenizer tokenizer = model.tokenizer()) {
      assertThat(model.config().parameterCount()).isCloseTo(1_000_000L, within(10_000L));
      assertThat(tokenizer.vocabSize()).isEqualTo(model.config().vocabSize());
      assertThat(model.isBlank()).isTrue();
      model.verify();
    }
  }

  @Test
  void dimensionsAreTakenLiterally() throws IOException {
    Path target = directory.resolve("exact");

    Result result =
        bitnet(
            "create-model --hidden_size 48 --intermediate_size 80 --layers 3 --heads 4"
                + " --kv_heads 2 --tokenizer bytes --vocab_size 300 --context 128"
                + " --activation relu2 --sub_norms --tied --ternary_embeddings --json --output_dir "
                + target);

    assertThat(result.err()).isEmpty();
    LlamaConfig expected =
        LlamaConfig.of(300, 48, 80, 3, 4)
            .withKeyValueHeads(2)
            .withContextLength(128)
            .withActivation(Activation.RELU_SQUARED)
            .withSubNorms(true)
            .withTiedHead(true)
            .withTernaryEmbeddings(true);
    try (ModelDirectory model = ModelDirectory.open(target)) {
      assertThat(model.config()).isEqualTo(expected);
    }
    JsonNode json = new ObjectMapper().readTree(result.out());
    assertThat(json.get("parameters").longValue()).isEqualTo(expected.parameterCount());
    assertThat(json.get("ternary_parameters").longValue())
        .isEqualTo(3 * (48 * 48 + 2 * 24 * 48 + 48 * 48 + 3 * 48 * 80) + 300 * 48);
    assertThat(json.get("train_state_bytes").longValue()).isEqualTo(16 * expected.parameterCount());
    long bytes = 0;
    try (var files = Files.list(target)) {
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    assertThat(json.get("disk_bytes").longValue()).isEqualTo(bytes);
  }

  @Test
  void seedDeterminesEveryWeight() throws IOException {
    String dimensions =
        "create-model --hidden_size 32 --intermediate_size 64 --layers 1 --heads 2"
            + " --tokenizer bytes --seed %d --output_dir %s";
    bitnet(dimensions.formatted(1, directory.resolve("a")));
    bitnet(dimensions.formatted(1, directory.resolve("b")));
    bitnet(dimensions.formatted(2, directory.resolve("c")));

    Path weights = directory.resolve("a/model.safetensors");
    assertThat(weights).hasSameBinaryContentAs(directory.resolve("b/model.safetensors"));
    assertThat(Files.mismatch(weights, directory.resolve("c/model.safetensors"))).isNotNegative();
  }

  @Test
  void modelThatIsThereIsReplacedOnlyWithForce() {
    String command = "create-model --params 1M --tokenizer bytes --output_dir " + directory;
    assertThat(bitnet(command).exitCode()).isEqualTo(ExitCode.OK);

    Result refused = bitnet(command);

    assertThat(refused.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(refused.err()).contains("already holds a model").contains("--force");
    assertThat(bitnet(command + " --force").exitCode()).isEqualTo(ExitCode.OK);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--params 0.5M | use 1M to 200B",
        "--params lots | write for example 750M",
        "--params 1M --tokenizer bytes --vocab_size 32000 | the nearest is 4153664",
        "--params 1M --tokenizer bytes --vocab_size 100 | the tokenizer has 256 tokens",
        "--params 1M --activation gelu | use one of silu, relu2",
        "--params 1M --hidden_size 64 | give either it or --hidden_size",
        "--hidden_size 64 --layers 2 | --intermediate_size, --heads missing",
        "--hidden_size 64 --intermediate_size 9 --layers 2 --heads 5 | multiple of heads 5",
        "--layers | --layers",
        "--seed 1 | how large? Give --params"
      })
  void wrongCommandLineIsRefusedWithARemedy(String options, String message) {
    Result result = bitnet("create-model %s --output_dir %s/x".formatted(options, directory));

    assertThat(result.err()).contains(message);
    assertThat(result.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void tokenizerThatIsMissingIsNamed() {
    Result result = bitnet("create-model --params 1M --tokenizer %s/no.json".formatted(directory));

    assertThat(result.exitCode()).isEqualTo(ExitCode.FAILURE);
    assertThat(result.err()).contains("no.json");
  }

  @ParameterizedTest
  @CsvSource({
    "999, 999",
    "1000, 1K",
    "5308416, 5.31M",
    "750000000, 750M",
    "6000000, 6M",
    "12340000, 12.3M",
    "999999999, 1B",
    "1300000000, 1.3B",
    "200000000000, 200B"
  })
  void countsAreShortenedToThreeDigits(long count, String text) {
    assertThat(CreatedModel.shortCount(count)).isEqualTo(text);
  }
}
