package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelFormat;
import bitnet.checkpoint.ModelSource;
import bitnet.graph.GraphLanguageModel;
import bitnet.model.ComputeSettings;
import bitnet.model.LanguageModel;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Checkpoints of every quantization that transformers has, against what transformers computed.
class ImportedModelTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({
    "online-autobitlinear, 1e-4",
    "packed-bitlinear, 1e-3",
    "packed-autobitlinear, 1e-3",
    "rms-norm-online, 1e-4",
    "rms-norm-bitlinear, 1e-4",
    "rms-norm-autobitlinear, 1e-4",
  })
  void logitsAndGreedyTokensAreThoseOfTransformers(String fixture, float tolerance)
      throws IOException {
    assertComputesAsTransformers(FIXTURES.resolve(fixture), fixture, tolerance);
  }

  @ParameterizedTest
  @CsvSource({
    "packed-bitlinear, HF_AUTOBITLINEAR",
    "packed-bitlinear, HF_ONLINE",
    "packed-autobitlinear, HF_BITLINEAR",
    "packed-autobitlinear, HF_ONLINE",
    "online-autobitlinear, HF_BITLINEAR",
    "online-autobitlinear, HF_AUTOBITLINEAR",
    "rms-norm-online, HF_BITLINEAR",
    "rms-norm-bitlinear, HF_AUTOBITLINEAR",
    "rms-norm-autobitlinear, HF_ONLINE",
  })
  void aConvertedModelComputesTheSame(String fixture, ModelFormat format) throws IOException {
    Path converted = directory.resolve("converted");
    try (ModelSource source = ModelSource.open(FIXTURES.resolve(fixture))) {
      format.write(converted, source, ModelDirectory.Existing.REFUSE, parameters -> {});
    }
    assertComputesAsTransformers(converted, fixture, 1e-3f);
  }

  private static void assertComputesAsTransformers(Path path, String fixture, float tolerance)
      throws IOException {
    JsonNode expected =
        JSON.readTree(Files.readAllBytes(FIXTURES.resolve(fixture).resolve("expected.json")));
    try (ModelSource source = ModelSource.open(path);
        GraphLanguageModel model =
            GraphLanguageModel.load(source.weights(), new ComputeSettings("cpu", 1))) {
      for (int row = 0; row < expected.path("input_ids").size(); row++) {
        float[][] logits = model.logits(ids(expected.path("input_ids").path(row)));
        float[][] wanted = JSON.convertValue(expected.path("logits").path(row), float[][].class);
        assertThat(logits).hasDimensions(wanted.length, wanted[0].length);
        for (int position = 0; position < wanted.length; position++) {
          assertThat(logits[position]).containsExactly(wanted[position], within(tolerance));
        }
      }
      assertThat(greedy(model, ids(expected.path("input_ids").path(0)), 16))
          .containsExactly(ids(expected.path("greedy")));
    }
  }

  private static int[] ids(JsonNode list) {
    return JSON.convertValue(list, int[].class);
  }

  private static int[] greedy(LanguageModel model, int[] prompt, int count) {
    List<Integer> tokens = new ArrayList<>();
    try (LanguageModel.Session session = model.begin(prompt.length + count)) {
      int[] next = prompt;
      for (int i = 0; i < count; i++) {
        float[] logits = session.advance(next);
        int best = 0;
        for (int token = 1; token < logits.length; token++) {
          best = logits[token] > logits[best] ? token : best;
        }
        tokens.add(best);
        next = new int[] {best};
      }
    }
    return tokens.stream().mapToInt(Integer::intValue).toArray();
  }
}
