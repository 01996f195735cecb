package bitnet.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import bitnet.checkpoint.ModelDirectory;
import bitnet.data.PreferenceRecord;
import bitnet.format.CheckpointException;
import bitnet.model.ComputeSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LinearRewardModelTest {
  private static final RewardTraining SETTINGS = new RewardTraining(100, 0.1, 0);
  private static final List<PreferenceRecord> PAIRS =
      List.of(
          new PreferenceRecord.Pair("capital of France?", "Paris", "London"),
          new PreferenceRecord.Pair("capital of England?", "London", "Paris"));
  private static final List<PreferenceRecord> LABELS =
      List.of(
          new PreferenceRecord.Label("a greeting", "good morning", 1),
          new PreferenceRecord.Label("a greeting", "go away", 0),
          new PreferenceRecord.Label("thanks", "you are welcome", 1),
          new PreferenceRecord.Label("thanks", "go away at once", 0));

  @TempDir private Path directory;

  private static LinearRewardModel trained(List<PreferenceRecord> records) {
    return LinearRewardModel.train(records, SETTINGS, epoch -> {});
  }

  @Test
  void theRightAnswerDependsOnTheQuestion() {
    LinearRewardModel model = trained(PAIRS);

    assertThat(model.accuracy(PAIRS)).isEqualTo(1);
    assertThat(model.logit("capital of France?", "Paris"))
        .isGreaterThan(model.logit("capital of France?", "London"));
    assertThat(model.logit("capital of England?", "Paris"))
        .isLessThan(model.logit("capital of England?", "London"));
  }

  @Test
  void labelsGiveProbabilitiesAndCarryOverToOtherQuestions() {
    LinearRewardModel model = trained(LABELS);

    assertThat(model.accuracy(LABELS)).isEqualTo(1);
    assertThat(model.score("a greeting", "", "good morning").outcome()).isBetween(0.8, 1.0);
    assertThat(model.score("a farewell", "", "go away").outcome()).isBetween(0.0, 0.5);
  }

  @Test
  void theLossFallsFromThatOfAGuess() {
    List<RewardTraining.Epoch> epochs = new ArrayList<>();
    LinearRewardModel.train(PAIRS.subList(0, 1), SETTINGS, epochs::add);

    assertThat(epochs).hasSize(100);
    assertThat(epochs.getFirst().loss()).isCloseTo(Math.log(2), offset(1e-9));
    assertThat(epochs.getLast().loss()).isLessThan(0.1);
    assertThat(epochs)
        .extracting(RewardTraining.Epoch::loss)
        .isSortedAccordingTo((a, b) -> Double.compare(b, a));
  }

  @Test
  void theSameSeedGivesTheSameModel() {
    assertThat(trained(LABELS).logit("thanks", "good"))
        .isEqualTo(trained(LABELS).logit("thanks", "good"));
  }

  @Test
  void aSavedModelScoresTheSame() throws IOException {
    LinearRewardModel model = trained(PAIRS);
    Path saved = directory.resolve("reward");

    model.save(saved, ModelDirectory.Existing.REFUSE);

    try (WeightedReward loaded = new RewardSpec(List.of(saved.toString()), List.of(1.0)).open()) {
      assertThat(loaded.score("capital of France?", "", "Paris"))
          .isEqualTo(model.score("capital of France?", "", "Paris"));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.save(saved, ModelDirectory.Existing.REFUSE))
        .withMessageContaining("already holds a model");
    model.save(saved, ModelDirectory.Existing.REPLACE);
  }

  @Test
  void aDamagedOrOtherDirectoryIsRefused() throws IOException {
    Path saved = directory.resolve("reward");
    trained(PAIRS).save(saved, ModelDirectory.Existing.REFUSE);
    Files.writeString(saved.resolve("reward.safetensors"), "no tensors");

    assertThatThrownBy(() -> RewardModel.open(saved, ComputeSettings.automatic()))
        .isInstanceOf(CheckpointException.class);
    assertThatThrownBy(() -> RewardModel.open(directory, ComputeSettings.automatic()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("bitnet train-reward");
    assertThatThrownBy(
            () -> RewardModel.open(directory.resolve("none"), ComputeSettings.automatic()))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void slopesAreThoseOfTheLosses() {
    double step = 1e-6;
    for (double s : new double[] {-30, -1, 0, 0.5, 30}) {
      assertThat(PreferenceLoss.labelSlope(s, 0.3))
          .isCloseTo(
              (PreferenceLoss.ofLabel(s + step, 0.3) - PreferenceLoss.ofLabel(s - step, 0.3))
                  / (2 * step),
              offset(1e-6));
      assertThat(PreferenceLoss.pairSlope(s, 0.2))
          .isCloseTo(
              (PreferenceLoss.ofPair(s + step, 0.2) - PreferenceLoss.ofPair(s - step, 0.2))
                  / (2 * step),
              offset(1e-6));
    }
    assertThat(PreferenceLoss.ofPair(-2000, 2000)).isEqualTo(4000);
    assertThat(PreferenceLoss.sigmoid(-2000)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0, 0.1, epochs 0", "1, 0, lr 0.0", "1, NaN, lr NaN", "1, 101, lr 101.0"})
  void settingsOutOfRangeAreRefused(int epochs, double learningRate, String said) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RewardTraining(epochs, learningRate, 0))
        .withMessageContaining(said);
  }

  @Test
  void nothingCannotBeLearnt() {
    assertThatIllegalArgumentException().isThrownBy(() -> trained(List.of()));
  }
}
