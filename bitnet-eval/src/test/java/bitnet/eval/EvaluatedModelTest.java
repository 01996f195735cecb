package bitnet.eval;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelFormat;
import bitnet.checkpoint.ModelLocation;
import bitnet.checkpoint.ModelSource;
import bitnet.data.BadRecordPolicy;
import bitnet.data.LossMask;
import bitnet.data.Packing;
import bitnet.data.TextFormat;
import bitnet.storage.ContentDigest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluatedModelTest {
  @TempDir private Path directory;

  private Path converted() throws IOException {
    Path target = directory.resolve("hf");
    try (ModelSource source = ModelSource.open(TinyModel.make(directory.resolve("one"), 64, 1))) {
      ModelFormat.HF_ONLINE.write(target, source, ModelDirectory.Existing.REFUSE, done -> {});
    }
    return target;
  }

  private static EvaluatedModel.Identity identity(Path model) throws IOException {
    try (EvaluatedModel opened = EvaluatedModel.open("m", model, TinyModel.RUNTIME)) {
      return opened.identity();
    }
  }

  @Test
  void identityOfAHuggingFaceModelIsOfItsWeights() throws IOException {
    Path model = converted();
    EvaluatedModel.Identity before = identity(model);
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 2] ^= 1;
    Files.write(weights, bytes);

    EvaluatedModel.Identity after = identity(model);
    assertThat(after.options().differences(before.options().values()))
        .containsExactly("the content of model has changed");
    assertThat(after.former().getFirst()).isNotEqualTo(before.former().getFirst());
    assertThat(after.former().getLast()).isEqualTo(before.former().getLast());
  }

  @Test
  void samplesOfVersion010AreContinued() throws IOException {
    Path model = converted();
    Path samples = directory.resolve("samples.jsonl");
    PerplexityEvaluation evaluation =
        new PerplexityEvaluation(
            Files.writeString(directory.resolve("text.txt"), "Now is the winter"),
            TextFormat.DOCUMENT,
            BadRecordPolicy.STOP,
            LossMask.NONE,
            Packing.STREAM,
            OptionalInt.of(8),
            OptionalInt.empty(),
            1);
    EvaluationRun run = new EvaluationRun(Map.of("m", ModelLocation.of(model)), TinyModel.RUNTIME);
    evaluate(run, evaluation, samples, false);
    String written = Files.readString(samples);
    assertThat(written).contains("{\"run\":\"task=perplexity&text_format=document&", "&context=8&");
    for (String identity : identity(model).former()) {
      String former =
          digest("perplexity\n" + evaluation.formerSettings().orElseThrow() + "\n" + identity);
      String old = written.replaceAll("task=[^\"]*", former);
      Files.writeString(samples, old);

      evaluate(run, evaluation, samples, true);

      assertThat(Files.readString(samples)).isEqualTo(old).isNotEqualTo(written);
    }
  }

  private static void evaluate(
      EvaluationRun run, PerplexityEvaluation evaluation, Path samples, boolean resume)
      throws IOException {
    try (SamplesFile<PerplexitySample> file =
        SamplesFile.open(samples, PerplexitySample.class, resume)) {
      run.evaluate(evaluation, file, (name, done, size) -> {});
    }
  }

  private static String digest(String text) {
    return ContentDigest.of(text.getBytes(StandardCharsets.UTF_8));
  }
}
