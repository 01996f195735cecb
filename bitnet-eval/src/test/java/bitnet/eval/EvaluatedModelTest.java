package bitnet.eval;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelFormat;
import bitnet.checkpoint.ModelSource;
import bitnet.data.QaRecord;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.reward.TokenF1;
import bitnet.storage.ContentDigest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

    assertThat(identity(model).content()).isNotEqualTo(before.content());
    assertThat(identity(model).former()).isEqualTo(before.former());
  }

  @Test
  void samplesOfVersion010AreContinued() throws IOException {
    Path model = converted();
    Path samples = directory.resolve("samples.jsonl");
    AnswerEvaluation evaluation =
        new AnswerEvaluation(
            List.of(new QaRecord("1+1=", "2", Optional.empty())),
            new AnswerSettings(
                1, 1, GenerationSettings.of(3, SamplingSettings.GREEDY), false, Optional.empty()),
            new TokenF1());
    EvaluationRun run = new EvaluationRun(Map.of("m", model), TinyModel.RUNTIME);
    try (SamplesFile<AnswerSample> file = SamplesFile.open(samples, AnswerSample.class, false)) {
      run.evaluate(evaluation, file, (name, done, size) -> {});
    }
    String what = evaluation.task() + "\n" + evaluation.settings() + "\n";
    EvaluatedModel.Identity identity = identity(model);
    String former = digest(what + identity.former());
    String written = Files.readString(samples);
    assertThat(written).contains(digest(what + identity.content())).doesNotContain(former);
    String old = written.replace(digest(what + identity.content()), former);
    Files.writeString(samples, old);

    try (SamplesFile<AnswerSample> file = SamplesFile.open(samples, AnswerSample.class, true)) {
      run.evaluate(evaluation, file, (name, done, size) -> {});
    }
    assertThat(Files.readString(samples)).isEqualTo(old);
  }

  private static String digest(String text) {
    return ContentDigest.of(text.getBytes(StandardCharsets.UTF_8));
  }
}
