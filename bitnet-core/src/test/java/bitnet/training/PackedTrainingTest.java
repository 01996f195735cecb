package bitnet.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.BadRecordPolicy;
import bitnet.data.LossMask;
import bitnet.data.Packing;
import bitnet.data.RecordPacking;
import bitnet.data.TextDataset;
import bitnet.data.TextFormat;
import bitnet.data.TokenBatch;
import bitnet.data.TokenEncoding;
import bitnet.data.WindowSampling;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.metrics.TrainingReport;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Cross-entropy on windows of whole records.
class PackedTrainingTest {
  private static final LlamaConfig CONFIG =
      LlamaConfig.of(32, 64, 96, 2, 4).withKeyValueHeads(2).withContextLength(32);
  private static final int END = 31;
  private static final TokenEncoding LETTERS =
      new TokenEncoding(
          text -> text.chars().map(letter -> letter - 'a').toArray(), OptionalInt.of(END), 32);
  private static final int STEPS = 6;

  @TempDir private Path directory;
  private NDManager manager;

  @BeforeEach
  void open() {
    TorchOps.prepareThread(1);
    manager = NDManager.newBaseManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private LlamaModel model() throws IOException {
    return LlamaModel.load(
        new BlankWeights(CONFIG, new LatentInitializer(3, 0.05)), manager, ComputeType.FP32);
  }

  private TextDataset records(String... records) throws IOException {
    Path file = Files.writeString(directory.resolve("records"), String.join("\n", records));
    return TextDataset.open(
        file,
        TextFormat.LINES,
        BadRecordPolicy.STOP,
        LossMask.NONE,
        Packing.RECORDS,
        LETTERS,
        directory);
  }

  /// One record in a row of its own, without packing.
  private static TokenBatch alone(String record) {
    int[] inputs = record.chars().map(letter -> letter - 'a').toArray();
    int[] targets = Arrays.copyOfRange(inputs, 1, inputs.length + 1);
    targets[inputs.length - 1] = END;
    return new TokenBatch(inputs, targets, 1, inputs.length);
  }

  @Test
  void lossAndGradientOfAWindowAreThoseOfItsRecordsAlone() throws IOException {
    String[] records = {"abcdef", "ghi", "jklm"};
    LlamaModel packed = model();
    LlamaModel single = model();
    CrossEntropyLoss expected = new CrossEntropyLoss(single);
    double sum = 0;
    for (String record : records) {
      sum += expected.sum(alone(record));
      expected.accumulate(alone(record), record.length() / 13.0, ForwardPass.Keep.ALL);
    }
    try (TextDataset dataset = records(records)) {
      TokenBatch window =
          new RecordPacking("text", dataset.tokens(), 1, 16).inOrder(1).iterator().next();
      CrossEntropyLoss loss = new CrossEntropyLoss(packed);

      assertThat(loss.items(window)).isEqualTo(13);
      assertThat(loss.sum(window)).isCloseTo(sum, within(1e-4));
      assertThat(loss.accumulate(window, 1, ForwardPass.Keep.ALL))
          .isCloseTo(sum / 13, within(1e-5));
      TokenBatch across = new TokenBatch(window.inputs(), window.targets(), 1, 16);
      assertThat(Math.abs(loss.sum(across) - sum))
          .as("attention across records")
          .isGreaterThan(1e-3);
    }
    for (int i = 0; i < single.parameters().size(); i++) {
      assertThat(packed.parameters().get(i).gradient().toFloatArray())
          .containsExactly(single.parameters().get(i).gradient().toFloatArray(), within(2e-5f));
    }
  }

  private static final class Heard implements TrainingListener {
    final List<Double> losses = new ArrayList<>();
    final List<Double> evalLosses = new ArrayList<>();

    @Override
    public void started(TrainingReport report) {}

    @Override
    public void stepped(TrainingReport report) {
      losses.add(report.row().get("loss"));
      if (report.row().containsKey("eval_loss")) {
        evalLosses.add(report.row().get("eval_loss"));
      }
    }

    @Override
    public void skipped(long step, String reason) {
      throw new AssertionError(reason);
    }

    @Override
    public void saved(Path checkpoint) {}
  }

  private static TrainingSettings settings(WindowSampling sampling, Packing packing) {
    return TrainingSettings.defaults(STEPS)
        .withBatches(new TrainingSettings.Batches(2, 12, 2, packing, sampling, 7))
        .withEvaluation(new TrainingSettings.Evaluation(2, 0))
        .withCheckpoints(new CheckpointSettings(3, 3));
  }

  private CrossEntropyTrainer trainer(
      LlamaModel model, TextDataset.Split split, TrainingSettings settings) {
    return new CrossEntropyTrainer(
        model, settings, split.training(), split.heldOut(), directory, OptionalDouble.empty());
  }

  private static List<float[]> weights(LlamaModel model) {
    return model.parameters().stream().map(Parameter::value).map(v -> v.toFloatArray()).toList();
  }

  @ParameterizedTest
  @EnumSource(WindowSampling.class)
  void resumedRunEqualsAnUninterruptedOneBitForBit(WindowSampling sampling) throws IOException {
    TrainingSettings settings = settings(sampling, Packing.RECORDS);
    String[] texts = "abcd bcdef cde defgh efghij fgh ghijk hi ijkl jkl klmno lmn".split(" ", -1);
    try (TextDataset dataset = records(texts)) {
      TextDataset.Split split = dataset.split(0.2);
      Heard whole = new Heard();
      LlamaModel first = model();
      try (CrossEntropyTrainer trainer = trainer(first, split, settings)) {
        assertThat(trainer.run(whole)).isTrue();
      }
      Heard rest = new Heard();
      LlamaModel second = model();
      try (CrossEntropyTrainer trainer = trainer(second, split, settings)) {
        trainer.resume(directory.resolve(TrainingCheckpoint.name(3)));
        trainer.run(rest);
      }

      assertThat(rest.losses).isEqualTo(whole.losses.subList(3, STEPS));
      assertThat(rest.evalLosses.getLast()).isEqualTo(whole.evalLosses.getLast());
      assertThat(weights(second)).usingRecursiveComparison().isEqualTo(weights(first));
      double heldOut = 0;
      for (String record : List.of("klmno", "lmn")) {
        heldOut += new CrossEntropyLoss(first).sum(alone(record));
      }
      assertThat(whole.evalLosses.getLast()).isCloseTo(heldOut / 8, within(1e-5));
      TrainingSettings stream = settings(sampling, Packing.STREAM);
      try (CrossEntropyTrainer other =
          new CrossEntropyTrainer(
              model(), stream, split.training(), null, directory, OptionalDouble.empty())) {
        assertThatThrownBy(() -> other.resume(directory.resolve(TrainingCheckpoint.name(3))))
            .hasMessageContaining("packing was records, now stream");
      }
    }
  }
}
