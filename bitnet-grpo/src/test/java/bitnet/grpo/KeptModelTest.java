package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.BadRecordPolicy;
import bitnet.graph.LlamaModel;
import bitnet.graph.TorchOps;
import bitnet.reward.RewardSpec;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The model that a run writes, where its reward makes the policy worse.
class KeptModelTest {
  private static final String WEIGHTS = "master.safetensors";
  private static final int STEPS = 4;

  @TempDir private Path directory;
  private Path start;
  private Path questions;
  private RunDirectory run;

  @BeforeEach
  void writeInputs() throws IOException {
    TorchOps.prepareThread(1);
    start = directory.resolve("start");
    try (NDManager manager = NDManager.newBaseManager();
        Tokenizer tokenizer = Tokenizer.byteLevel();
        LlamaModel model = TinyRun.model(manager)) {
      ModelDirectory.write(start, model, tokenizer, true, ModelDirectory.Existing.REFUSE);
    }
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      lines.add("{\"query\": \"q%d\", \"answer\": \"7\"}".formatted(i));
    }
    questions = Files.write(directory.resolve("questions.jsonl"), lines);
    run = new RunDirectory(directory.resolve("run"));
  }

  private static GrpoSettings settings(KeepBest best, OnRegression reaction) {
    GrpoSettings settings = TinyRun.settings(STEPS);
    return settings
        .withOptimizer(settings.optimizer().withLearningRate(5e-3))
        .withEvaluation(new GrpoSettings.Evaluation(1, 4, best, reaction, 0));
  }

  /// Trains with a reward of -1 for right answers.
  ///
  /// @return what was said to the user
  private List<String> train(GrpoSettings settings, @Nullable String resume) throws IOException {
    List<String> said = new ArrayList<>();
    boolean done =
        new GrpoRun(
                start,
                new GrpoRun.Questions(questions, null, BadRecordPolicy.STOP, questions),
                new RewardSpec(List.of("final_answer"), List.of(-1.0)),
                run,
                resume,
                GrpoRun.Compute.onProcessor(1),
                settings)
            .run(new Heard(), said::add);
    assertThat(done).isTrue();
    return said;
  }

  private static byte[] weights(Path model) throws IOException {
    return Files.readAllBytes(model.resolve(WEIGHTS));
  }

  private void forgetCheckpoint(long step) throws IOException {
    try (Stream<Path> files =
        Files.walk(run.checkpoints().resolve(TrainingCheckpoint.name(step)))) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private String written(String what) {
    return "wrote " + run.model() + what;
  }

  @Test
  void theBestModelIsWrittenAlsoIfItIsThatOfTheStart() throws IOException {
    List<String> said = train(settings(KeepBest.EVAL_SAMPLED, OnRegression.WARN), null);

    assertThat(said)
        .endsWith(written(": the model after step 0, which was the best by eval_sampled"));
    assertThat(weights(run.model())).isEqualTo(weights(run.best())).isEqualTo(weights(start));
  }

  @Test
  void aResumedRunWritesTheBestModelOfItsFirstPart() throws IOException {
    GrpoSettings settings = settings(KeepBest.EVAL_SAMPLED, OnRegression.WARN);
    train(settings, null);
    forgetCheckpoint(STEPS);
    forgetCheckpoint(STEPS - 1);

    List<String> said = train(settings, "auto");

    assertThat(said)
        .contains("resumed: " + run.checkpoints().resolve(TrainingCheckpoint.name(STEPS - 2)))
        .endsWith(written(": the model after step 0, which was the best by eval_sampled"));
    assertThat(weights(run.model())).isEqualTo(weights(start));
  }

  @Test
  void withoutAChoiceTheLastModelIsWritten() throws IOException {
    List<String> said = train(settings(KeepBest.NONE, OnRegression.WARN), null);

    assertThat(said).endsWith(written(""));
    assertThat(run.best()).doesNotExist();
    assertThat(weights(run.model())).isNotEqualTo(weights(start));
  }

  @Test
  void aRunThatEndsByItselfWritesItsModel() throws IOException {
    GrpoSettings settings = settings(KeepBest.EVAL_ACCURACY, OnRegression.STOP);

    List<String> said = train(settings, null);

    assertThat(run.checkpoints().resolve(TrainingCheckpoint.name(STEPS))).doesNotExist();
    assertThat(said.getLast()).startsWith(written(""));
    byte[] model = weights(run.model());
    train(settings, "auto");
    assertThat(weights(run.model())).isEqualTo(model);
  }
}
