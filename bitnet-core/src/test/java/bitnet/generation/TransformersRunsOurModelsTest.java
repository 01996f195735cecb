package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelFormat;
import bitnet.checkpoint.ModelSource;
import bitnet.model.Activation;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Exports of every Hugging Face form, loaded by transformers where it is installed.
@Timeout(300)
class TransformersRunsOurModelsTest {
  private static final Path PYTHON =
      Path.of(
          Optional.ofNullable(System.getenv("BITNET_ORACLE_PYTHON"))
              .orElse(System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python"));
  private static final Path SCRIPT = Path.of("src/test/resources/oracle/logits.py");
  private static final int[] IDS = {17, 3, 250, 99, 0, 128, 64, 17, 5, 201};
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  @Test
  void theLogitsOfEveryExportAreOurs() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(PYTHON), "no Python with transformers at " + PYTHON);
    List<Path> exports = new ArrayList<>();
    List<float[][]> ours = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      Path model = model(kind);
      for (ModelFormat format : ModelFormat.values()) {
        if (format.key().startsWith("hf-")) {
          Path export = directory.resolve(model.getFileName() + "-" + format.key());
          try (ModelSource source = ModelSource.open(model)) {
            format.write(export, source, ModelDirectory.Existing.REFUSE, parameters -> {});
          }
          exports.add(export);
          ours.add(logits(model));
        }
      }
    }
    JsonNode theirs = transformers(exports);
    for (int i = 0; i < exports.size(); i++) {
      JsonNode seen = theirs.path(exports.get(i).toString());
      float[][] wanted = JSON.convertValue(seen.path("logits"), float[][].class);
      assertThat(wanted).hasDimensions(IDS.length, 256);
      for (int position = 0; position < IDS.length; position++) {
        assertThat(ours.get(i)[position])
            .as("%s at %d", exports.get(i).getFileName(), position)
            .containsExactly(wanted[position], within(1e-3f));
      }
      assertThat(seen.path("linear").asText()).isEqualTo(linear(exports.get(i)));
    }
  }

  private static String linear(Path export) {
    return export.toString().endsWith("hf-bitlinear") ? "BitLinear" : "AutoBitLinear";
  }

  private enum Kind {
    /// LLaMA with grouped-query attention.
    LLAMA(4),
    /// BitNet with sub-norms, relu² and a tied head.
    BITNET(5),
    /// The LLaMA with norms inside its linear layers.
    LINEAR_NORMS(7);

    private final long seed;

    Kind(long seed) {
      this.seed = seed;
    }
  }

  /// A packed model whose gains differ.
  ///
  /// An activation in the middle between two int8 codes falls on either side by the last bit of
  /// fp32, which moves logits by 5e-3; with these seeds there is none.
  private Path model(Kind kind) throws IOException {
    boolean bitnet = kind == Kind.BITNET;
    LlamaConfig config =
        new LlamaConfig(
            256,
            64,
            160,
            2,
            4,
            2,
            16,
            64,
            1e-5,
            bitnet ? 500_000 : 10_000,
            bitnet ? Activation.RELU_SQUARED : Activation.SILU,
            bitnet,
            bitnet,
            false,
            kind == Kind.LINEAR_NORMS ? OptionalDouble.of(2e-6) : OptionalDouble.empty());
    Path path = directory.resolve(kind.name());
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.write(
          path,
          gained(new BlankWeights(config, new LatentInitializer(kind.seed, 0.05))),
          tokenizer,
          false,
          ModelDirectory.Existing.REFUSE);
    }
    return path;
  }

  private static LatentWeights gained(LatentWeights weights) {
    return new LatentWeights() {
      @Override
      public LlamaConfig config() {
        return weights.config();
      }

      @Override
      public void read(TensorSpec tensor, MemorySegment target) throws IOException {
        weights.read(tensor, target);
        for (int i = 0; !tensor.isMatrix() && i < tensor.rows(); i++) {
          float gain = 0.5f + (i * 5 + tensor.name().length()) % 8 / 8f;
          target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, gain);
        }
      }
    };
  }

  private static float[][] logits(Path path) throws IOException {
    try (ModelSource source = ModelSource.open(path);
        GraphLanguageModel model =
            GraphLanguageModel.load(source.weights(), new ComputeSettings("cpu", 1))) {
      return model.logits(IDS);
    }
  }

  private JsonNode transformers(List<Path> exports) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of(PYTHON.toString(), SCRIPT.toString(), Arrays.toString(IDS)));
    exports.forEach(export -> command.add(export.toString()));
    Path errors = directory.resolve("errors.txt");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
    return JSON.readTree(output);
  }
}
