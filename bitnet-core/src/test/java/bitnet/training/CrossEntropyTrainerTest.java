package bitnet.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.TokenStream;
import bitnet.data.WindowSampling;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.graph.TorchOps.AdamWSettings;
import bitnet.metrics.TrainingReport;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CrossEntropyTrainerTest {

  private static final LlamaConfig CONFIG =
      LlamaConfig.of(32, 64, 96, 2, 4).withKeyValueHeads(2).withContextLength(32);
  private static final int STEPS = 12;

  @TempDir private Path directory;
  private NDManager manager;

  @BeforeEach
  void open() {
    TorchOps.prepareThread(2);
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private static final class Heard implements TrainingListener {
    final List<Double> losses = new ArrayList<>();
    final List<Double> evalLosses = new ArrayList<>();
    final List<Map<String, Double>> rows = new ArrayList<>();
    final List<String> skipped = new ArrayList<>();
    final List<Path> saved = new ArrayList<>();

    @Override
    public void started(TrainingReport report) {
      rows.add(report.row());
      add("eval_loss", report, evalLosses);
    }

    @Override
    public void stepped(TrainingReport report) {
      rows.add(report.row());
      add("loss", report, losses);
      add("eval_loss", report, evalLosses);
    }

    private static void add(String name, TrainingReport report, List<Double> values) {
      Double value = report.row().get(name);
      if (value != null) {
        values.add(value);
      }
    }

    @Override
    public void skipped(long step, String reason) {
      skipped.add(reason);
    }

    @Override
    public void saved(Path checkpoint) {
      saved.add(checkpoint);
    }
  }

  private static TrainingSettings settings(double learningRate, long quantWarmup) {
    return TrainingSettings.defaults(STEPS)
        .withBatches(new TrainingSettings.Batches(4, 16, 2, WindowSampling.EPOCH, 7))
        .withOptimizer(
            new OptimizerSettings(
                new LearningRateSchedule(
                    LearningRateDecay.of("two-stage"), learningRate, 0.1, 2, STEPS),
                1))
        .withQuantWarmup(quantWarmup)
        .withEvaluation(new TrainingSettings.Evaluation(0, 0))
        .withCheckpoints(new CheckpointSettings(5, 3));
  }

  /// A language in which a token is followed by twice itself plus one.
  private static TokenStream text() {
    int[] tokens = new int[600];
    for (int i = 1; i < tokens.length; i++) {
      tokens[i] = i % 7 == 0 ? i % 32 : (2 * tokens[i - 1] + 1) % 32;
    }
    return TokenStream.of(tokens);
  }

  private LlamaModel model(ComputeType type) throws IOException {
    return LlamaModel.load(new BlankWeights(CONFIG, new LatentInitializer(3, 0.05)), manager, type);
  }

  private CrossEntropyTrainer trainer(LlamaModel model, TrainingSettings settings, Path run) {
    return new CrossEntropyTrainer(
        model, settings, text(), text().part(0, 200), run, OptionalDouble.empty());
  }

  private static List<float[]> weights(LlamaModel model) {
    return model.parameters().stream().map(Parameter::value).map(v -> v.toFloatArray()).toList();
  }

  @Test
  void aResumedRunGoesOnBitForBitAsIfItHadNeverStopped() throws IOException {
    for (ComputeType type : List.of(ComputeType.FP32, ComputeType.BF16_ON_FP32)) {
      Path run = directory.resolve(type.name());
      TrainingSettings settings = settings(3e-3, 8);
      Heard whole = new Heard();
      LlamaModel first = model(type);
      try (CrossEntropyTrainer trainer = trainer(first, settings, run)) {
        assertThat(trainer.run(whole)).isTrue();
      }
      Heard rest = new Heard();
      LlamaModel second = model(type);
      try (CrossEntropyTrainer trainer = trainer(second, settings, directory.resolve("other"))) {
        trainer.resume(run.resolve(TrainingCheckpoint.name(5)));
        trainer.run(rest);
      }
      assertThat(rest.losses).isEqualTo(whole.losses.subList(5, STEPS));
      assertThat(rest.evalLosses.getLast()).isEqualTo(whole.evalLosses.getLast());
      assertThat(weights(second)).usingRecursiveComparison().isEqualTo(weights(first));
    }
  }

  @Test
  void everyTenthStepSaysHowManyTritsAreZeroAndHowManyChanged() throws IOException {
    Heard heard = new Heard();
    LlamaModel model = model(ComputeType.FP32);
    try (CrossEntropyTrainer trainer = trainer(model, settings(1e-2, 8), directory)) {
      trainer.run(heard);
    }
    assertThat(heard.rows.get(0)).containsKey("zero_share").doesNotContainKey("flip_rate");
    assertThat(heard.rows.get(10).get("zero_share")).isBetween(0.1, 0.9);
    assertThat(heard.rows.get(10).get("flip_rate")).isBetween(0.001, 0.5);
    assertThat(heard.rows).filteredOn(row -> row.containsKey("zero_share")).hasSize(2);

    Heard rest = new Heard();
    try (CrossEntropyTrainer trainer =
        trainer(model(ComputeType.FP32), settings(1e-2, 8), directory.resolve("rest"))) {
      trainer.resume(directory.resolve(TrainingCheckpoint.name(5)));
      trainer.run(rest);
    }
    // the trits of step 0 are gone, so nobody knows how many of them changed
    Map<String, Double> tenth = rest.rows.get(5);
    assertThat(tenth.get("zero_share")).isEqualTo(heard.rows.get(10).get("zero_share"));
    assertThat(tenth).doesNotContainKey("flip_rate");
  }

  @Test
  void theHeldOutLossFalls() throws IOException {
    Heard record = new Heard();
    try (CrossEntropyTrainer trainer =
        trainer(model(ComputeType.FP32), settings(1e-2, 0), directory)) {
      trainer.run(record);
    }
    assertThat(record.evalLosses).hasSize(2);
    assertThat(record.evalLosses.getLast()).isLessThan(record.evalLosses.getFirst() - 0.5);
  }

  @Test
  void checkpointingChangesMemoryButNotTheLosses() throws IOException {
    List<List<Double>> losses = new ArrayList<>();
    for (ForwardPass.Keep keep : List.of(ForwardPass.Keep.ALL, ForwardPass.Keep.LAYER_INPUTS)) {
      TrainingSettings settings =
          settings(3e-3, 0).withKeep(keep).withCheckpoints(new CheckpointSettings(0, 1));
      Heard record = new Heard();
      try (CrossEntropyTrainer trainer =
          trainer(model(ComputeType.FP32), settings, directory.resolve(keep.name()))) {
        trainer.run(record);
      }
      losses.add(record.losses);
    }
    assertThat(losses.get(1)).isEqualTo(losses.get(0));
  }

  /// Three windows of 100 targets: 10, 90 and 0 of them are counted.
  private static TokenStream masked() {
    int[] tokens = new int[301];
    for (int i = 0; i < tokens.length; i++) {
      int id = (7 * i + i / 5) % 32;
      boolean counted = i > 90 && i <= 190;
      tokens[i] = counted ? id : ~id;
    }
    return TokenStream.of(tokens);
  }

  /// A step whose update is the gradient, as good as: with so large an epsilon AdamW divides by it.
  private OneStep oneStep(TokenStream text, int batchSize, int gradAccum) throws IOException {
    TrainingSettings settings =
        settings(3e-3, 0)
            .withBatches(
                new TrainingSettings.Batches(batchSize, 100, gradAccum, WindowSampling.EPOCH, 7))
            .withOptimizer(
                new OptimizerSettings(
                    new LearningRateSchedule(LearningRateDecay.of("constant"), 1, 0, 0, 1),
                    new AdamWSettings(0.9, 0.95, 10),
                    0));
    LlamaModel model =
        LlamaModel.load(
            new BlankWeights(CONFIG.withContextLength(100), new LatentInitializer(3, 0.05)),
            manager,
            ComputeType.FP32);
    Heard heard = new Heard();
    Path run = directory.resolve(batchSize + "-" + text.mask());
    try (CrossEntropyTrainer trainer =
        new CrossEntropyTrainer(model, settings, text, null, run, OptionalDouble.empty())) {
      trainer.run(heard);
    }
    Map<String, Double> row = heard.rows.getFirst();
    return new OneStep(
        row.getOrDefault("loss", Double.NaN),
        row.getOrDefault("grad_norm", Double.NaN),
        weights(model));
  }

  private record OneStep(double loss, double gradNorm, List<float[]> weights) {}

  @Test
  void accumulatedBatchesEqualTheLargerBatchHoweverManyTargetsEachCounts() throws IOException {
    for (TokenStream text : List.of(masked(), text().part(0, 301))) {
      OneStep whole = oneStep(text, 3, 1);
      OneStep parts = oneStep(text, 1, 3);
      assertThat(parts.loss()).isCloseTo(whole.loss(), within(1e-5));
      assertThat(parts.gradNorm()).isCloseTo(whole.gradNorm(), withinPercentage(0.05));
      for (int i = 0; i < whole.weights().size(); i++) {
        assertThat(parts.weights().get(i)).containsExactly(whole.weights().get(i), within(1e-5f));
      }
    }
  }

  @Test
  void onlyTheNewestCheckpointsStay() throws IOException {
    Heard record = new Heard();
    TrainingSettings settings = settings(3e-3, 0);
    try (CrossEntropyTrainer trainer = trainer(model(ComputeType.FP32), settings, directory)) {
      trainer.run(record);
    }
    assertThat(record.saved).hasSize(3); // steps 5, 10 and 12
    assertThat(TrainingCheckpoint.latest(directory))
        .contains(directory.resolve(TrainingCheckpoint.name(STEPS)));
    TrainingCheckpoint.write(directory, 20, Map.of(), JsonNodeFactory.instance.objectNode(), 2);
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder(TrainingCheckpoint.name(STEPS), TrainingCheckpoint.name(20));
    }
  }

  @Test
  void aRunWithOtherSettingsIsNotResumed() throws IOException {
    Heard record = new Heard();
    try (CrossEntropyTrainer trainer =
        trainer(model(ComputeType.FP32), settings(3e-3, 0), directory)) {
      trainer.run(record);
    }
    try (CrossEntropyTrainer other =
        trainer(model(ComputeType.FP32), settings(2e-3, 0), directory)) {
      Path checkpoint = directory.resolve(TrainingCheckpoint.name(5));
      assertThatThrownBy(() -> other.resume(checkpoint))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("other options: lr was 3e-3, now 2e-3");
    }
  }

  @Test
  void aDamagedCheckpointIsRefusedByName() throws IOException {
    Heard record = new Heard();
    try (CrossEntropyTrainer trainer =
        trainer(model(ComputeType.FP32), settings(3e-3, 0), directory)) {
      trainer.run(record);
      Path checkpoint = directory.resolve(TrainingCheckpoint.name(10));
      Path file = checkpoint.resolve("state.safetensors");
      byte[] bytes = Files.readAllBytes(file);
      bytes[bytes.length / 2] ^= 1;
      Files.write(file, bytes);
      assertThatThrownBy(() -> trainer.resume(checkpoint))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("state.safetensors")
          .hasMessageContaining("SHA-256");
    }
  }

  @Test
  void lossesThatAreNotNumbersAreSkippedAndNeverSaved() throws IOException {
    LlamaModel model = model(ComputeType.FP32);
    Heard record = new Heard();
    try (CrossEntropyTrainer trainer = trainer(model, settings(3e-3, 0), directory)) {
      model.parameters().getLast().value().muli(Float.NaN);
      assertThatThrownBy(() -> trainer.run(record))
          .isInstanceOf(TrainingException.class)
          .hasMessageContaining("the loss is NaN after step 5")
          .hasMessageContaining("no checkpoint was made yet");
    }
    assertThat(record.skipped).hasSize(5);
    assertThat(record.saved).isEmpty();
    assertThat(record.losses).isEmpty();
  }

  @Test
  void anEmptyDirectoryHasNoLatestCheckpoint() throws IOException {
    assertThat(TrainingCheckpoint.latest(directory)).isEqualTo(Optional.empty());
    Files.createDirectories(directory.resolve(TrainingCheckpoint.name(3)));
    assertThat(TrainingCheckpoint.latest(directory)).isEmpty();
  }
}
