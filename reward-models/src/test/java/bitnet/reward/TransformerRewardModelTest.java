package bitnet.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.PreferenceRecord;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.metrics.TrainingReport;
import bitnet.model.ComputeSettings;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.CheckpointSettings;
import bitnet.training.LearningRateDecay;
import bitnet.training.LearningRateSchedule;
import bitnet.training.LoopSettings;
import bitnet.training.OptimizerSettings;
import bitnet.training.SpikeGuard;
import bitnet.training.TrainingListener;
import bitnet.training.TrainingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TransformerRewardModelTest {
  private static final LlamaConfig TINY =
      LlamaConfig.of(256, 32, 64, 1, 2).withContextLength(48).withTiedHead(true);
  private static final ComputeSettings COMPUTE = new ComputeSettings("cpu", 1);
  private static final RewardTraining SETTINGS = new RewardTraining(12, 1e-2, 0);

  @TempDir private static Path directory;
  private static int runs;
  private static Path decoder;

  @BeforeAll
  static void makeDecoder() throws IOException {
    decoder = directory.resolve("decoder");
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.writeBlank(
          decoder,
          TINY,
          new LatentInitializer(1, 0.02),
          tokenizer,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
  }

  private static TransformerRewardModel blank(RewardHead head) throws IOException {
    return TransformerRewardModel.create(decoder, head, COMPUTE, ComputeType.FP32);
  }

  /// Good answers end in a full stop, bad ones in a question mark.
  private static List<PreferenceRecord> pairs() {
    List<PreferenceRecord> pairs = new ArrayList<>();
    for (String word : List.of("a", "bb", "c", "dd", "e", "ff", "g", "hh")) {
      pairs.add(new PreferenceRecord.Pair(word, word + ".", word + "?"));
    }
    return pairs;
  }

  private static List<PreferenceRecord> labels() {
    List<PreferenceRecord> labels = new ArrayList<>();
    for (PreferenceRecord pair : pairs()) {
      labels.add(new PreferenceRecord.Label(pair.query(), pair.query() + ".", 1));
      labels.add(new PreferenceRecord.Label(pair.query(), pair.query() + "?", 0));
    }
    return labels;
  }

  /// Twelve epochs in batches of four; the losses by step.
  private static List<Double> train(TransformerRewardModel model, List<PreferenceRecord> records)
      throws IOException {
    Losses losses = new Losses();
    Path run = directory.resolve("run-" + runs++);
    run(records, 4, run).train(model, Optional.empty(), losses);
    return losses.values;
  }

  private static RewardModelRun run(List<PreferenceRecord> records, int batchSize, Path directory) {
    long steps = Math.max(1, Math.ceilDiv(records.size() * 12L, Math.max(1, batchSize)));
    return new RewardModelRun(
        records,
        List.of(),
        batchSize,
        new LoopSettings(
            new OptimizerSettings(
                new LearningRateSchedule(LearningRateDecay.of("linear"), 1e-2, 0, 0, steps), 1),
            1,
            0,
            ForwardPass.Keep.ALL,
            SpikeGuard.DEFAULT,
            new TrainingSettings.Evaluation(0, 0),
            new CheckpointSettings(5, 9),
            0),
        directory);
  }

  private static final class Losses implements TrainingListener {
    private final List<Double> values = new ArrayList<>();

    @Override
    public void started(TrainingReport report) {}

    @Override
    public void stepped(TrainingReport report) {
      values.add(report.row().get("loss"));
    }

    @Override
    public void skipped(long step, String reason) {
      throw new AssertionError(reason);
    }

    @Override
    public void saved(Path checkpoint) {}
  }

  @ParameterizedTest
  @EnumSource
  void itLearnsPairsAndCarriesThemOver(RewardHead head) throws IOException {
    try (TransformerRewardModel model = blank(head)) {
      List<Double> losses = train(model, pairs());

      assertThat(losses.getFirst()).isCloseTo(Math.log(2), offset(0.2));
      assertThat(losses.getLast()).isLessThan(0.2);
      assertThat(model.accuracy(pairs())).isEqualTo(1);
      assertThat(model.logit("i", "i.")).isGreaterThan(model.logit("i", "i?"));
    }
  }

  @Test
  void itLearnsLabels() throws IOException {
    try (TransformerRewardModel model = blank(RewardHead.SCALAR)) {
      train(model, labels());

      assertThat(model.accuracy(labels())).isEqualTo(1);
      assertThat(model.score("a", "", "a.").outcome()).isBetween(0.5, 1.0);
      assertThat(model.score("a", "", "a?").outcome()).isBetween(0.0, 0.5);
      assertThat(model.score("a", "", "a?").isDense()).isFalse();
    }
  }

  @Test
  void theSameSeedGivesTheSameLosses() throws IOException {
    try (TransformerRewardModel one = blank(RewardHead.SCALAR);
        TransformerRewardModel other = blank(RewardHead.SCALAR)) {
      assertThat(train(one, pairs())).isEqualTo(train(other, pairs()));
    }
  }

  @Test
  void aHeadPerTokenScoresEveryTokenOfTheCompletion() throws IOException {
    try (TransformerRewardModel model = blank(RewardHead.PER_TOKEN)) {
      train(model, pairs());

      RewardScore score = model.score("a", "", "aé.");

      // é is two bytes, which are two tokens; the character is there with the second
      assertThat(score.parts()).extracting(RewardScore.Part::end).containsExactly(1, 1, 2, 3);
      double meanLogit =
          score.parts().stream()
              .mapToDouble(part -> Math.log(part.score() / (1 - part.score())))
              .average()
              .orElseThrow();
      assertThat(PreferenceLoss.sigmoid(meanLogit)).isCloseTo(score.outcome(), offset(1e-9));
      assertThat(model.score("a", "", "").outcome()).isBetween(0.0, 1.0);
    }
  }

  @Test
  void answersInOneBatchAreScoredAsAlone() throws IOException {
    try (TransformerRewardModel model = blank(RewardHead.PER_TOKEN)) {
      train(model, pairs());
      List<AnswerTokens> answers =
          List.of(model.tokens("a", "a much longer answer"), model.tokens("b", "b."));
      try (AnswerPass pass = model.forward(answers, ForwardPass.Keep.NOTHING)) {
        assertThat(pass.logit(0)).isCloseTo(model.logit("a", "a much longer answer"), offset(1e-4));
        assertThat(pass.logit(1)).isCloseTo(model.logit("b", "b."), offset(1e-4));
      }
    }
  }

  @Test
  void aTextLongerThanTheContextIsScoredByItsEnd() throws IOException {
    try (TransformerRewardModel model = blank(RewardHead.SCALAR)) {
      train(model, pairs());
      String end = "x".repeat(TINY.contextLength() - 1) + ".";

      assertThat(model.logit("a", "yyy" + end)).isEqualTo(model.logit("b", end));
    }
  }

  @Test
  void theHeadsGradientIsTheSlopeOfTheLogit() throws IOException {
    try (TransformerRewardModel model = blank(RewardHead.PER_TOKEN)) {
      train(model, pairs());
      List<AnswerTokens> answers = List.of(model.tokens("a", "a."), model.tokens("b", "b?"));
      double[] slopes = {0.5, -2};
      float[] head = model.head().toFloatArray();
      float[] gradient;
      try (AnswerPass pass = model.forward(answers, ForwardPass.Keep.ALL)) {
        gradient = pass.backward(slopes);
      }
      for (int i : new int[] {0, 7, head.length - 1}) {
        float[] moved = head.clone();
        moved[i] += 1;
        double change =
            weighted(model, moved, answers, slopes) - weighted(model, head, answers, slopes);
        assertThat((double) gradient[i]).isCloseTo(change, offset(1e-4)); // linear in the head
      }
    }
  }

  private static double weighted(
      TransformerRewardModel model, float[] head, List<AnswerTokens> answers, double[] slopes) {
    try (AnswerPass pass =
        new AnswerPass(model.encoder(), head, answers, ForwardPass.Keep.NOTHING)) {
      return slopes[0] * pass.logit(0) + slopes[1] * pass.logit(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSavedModelScoresTheSame(RewardHead head) throws IOException {
    Path saved = directory.resolve("saved-" + head);
    try (TransformerRewardModel model = blank(head)) {
      train(model, pairs());
      model.save(saved, ModelDirectory.Existing.REFUSE);

      try (RewardModel loaded = RewardModel.open(saved, COMPUTE)) {
        assertThat(loaded.score("q", "", "abc.")).isEqualTo(model.score("q", "", "abc."));
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.save(saved, ModelDirectory.Existing.REFUSE))
          .withMessageContaining("`force`");
      model.save(saved, ModelDirectory.Existing.REPLACE);
    }
  }

  @Test
  void aHeadBesideAnotherModelIsRefused() throws IOException {
    Path saved = directory.resolve("mixed");
    try (TransformerRewardModel model = blank(RewardHead.SCALAR)) {
      model.save(saved, ModelDirectory.Existing.REFUSE);
      train(model, pairs());
      ModelDirectory.write(
          saved.resolve("model"),
          model.encoder(),
          Tokenizer.byteLevel(),
          true,
          ModelDirectory.Existing.REPLACE);
    }

    assertThatThrownBy(() -> RewardModel.open(saved, COMPUTE))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("was made for a different model");
  }

  @Test
  void kindsAreNotMixedInOneDirectory() throws IOException {
    Path saved = directory.resolve("linear");
    LinearRewardModel.train(pairs(), SETTINGS, epoch -> {})
        .save(saved, ModelDirectory.Existing.REFUSE);
    try (TransformerRewardModel model = blank(RewardHead.SCALAR)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.save(saved, ModelDirectory.Existing.REPLACE))
          .withMessageContaining("holds a linear reward model");
      assertThat(Files.exists(saved.resolve("model"))).isFalse();
      assertThatIllegalArgumentException().isThrownBy(() -> train(model, List.of()));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> run(pairs(), 0, directory).train(model, Optional.empty(), new Losses()))
          .withMessageContaining("batch_size 0");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RewardHead.of("both"))
        .withMessage("reward_head \"both\" is unknown; use one of scalar, per_token");
  }

  @Test
  void resumedRunGivesTheSameLossesAndTheSameHead() throws IOException {
    Path whole = directory.resolve("whole");
    Path resumed = directory.resolve("resumed");
    Losses all = new Losses();
    Losses rest = new Losses();
    float[] head;
    try (TransformerRewardModel model = blank(RewardHead.SCALAR)) {
      run(pairs(), 4, whole).train(model, Optional.empty(), all);
      head = model.head().toFloatArray();
    }
    try (TransformerRewardModel model = blank(RewardHead.SCALAR)) {
      Path checkpoint = whole.resolve(TrainingCheckpoint.name(10));
      run(pairs(), 4, resumed).train(model, Optional.of(checkpoint), rest);

      assertThat(rest.values).isEqualTo(all.values.subList(10, all.values.size()));
      assertThat(model.head().toFloatArray()).isEqualTo(head);
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> run(pairs(), 2, resumed).train(model, Optional.of(checkpoint), new Losses()))
          .withMessageContaining("batch_size was 4, now 2");
    }
  }
}
