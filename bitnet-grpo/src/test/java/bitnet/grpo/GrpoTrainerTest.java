package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.QaRecord;
import bitnet.generation.SamplingSettings;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.kernel.CacheType;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import bitnet.reward.WeightedReward;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.CheckpointSettings;
import bitnet.training.LearningRateDecay;
import bitnet.training.LearningRateSchedule;
import bitnet.training.OptimizerSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GrpoTrainerTest {
  private static final LlamaConfig CONFIG =
      LlamaConfig.of(256, 64, 96, 1, 2).withContextLength(128);
  private static final RuntimeSettings RUNTIME =
      new RuntimeSettings(1, "auto", LmHeadType.FP32, CacheType.FP32);
  private static final CorrectionSettings TWO_LAYERS =
      CorrectionSettings.defaults(3)
          .withGuidance(GuidingPrompts.of(List.of(" again", " check")))
          .withReplay(new CorrectionSettings.Replay(8, 2, 0))
          .withAnswersAgain(true);

  /// The two arms: ASCII or not. A blank model takes either about as often.
  private static final Reward BETTER_ARM =
      (query, reference, completion) ->
          RewardScore.of(completion.chars().allMatch(letter -> letter < 128) ? 1 : 0.2);

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

  private static GrpoSettings settings(
      long steps,
      double learningRate,
      int maxLength,
      double beta,
      long refSync,
      Optional<CorrectionSettings> correction) {
    return new GrpoSettings(
        GrpoSettings.Rollout.of(4, 8, maxLength, new SamplingSettings(1, 0, 1, 0, 1, 3)),
        GrpoSettings.AdvantageSettings.of(RewardScaling.GROUP),
        new GrpoLoss(
            LossType.GRPO, 0.2, 0.2, beta, KlEstimator.FORWARD, Importance.TOKEN, maxLength),
        new GrpoSettings.Update(2, false, refSync, ForwardPass.Keep.ALL, 256, 0, 0),
        new OptimizerSettings(
            new LearningRateSchedule(LearningRateDecay.of("constant"), learningRate, 0, 0, steps),
            1),
        correction,
        GrpoSettings.Evaluation.every(2),
        new CheckpointSettings(2, 9));
  }

  private LlamaModel model() throws IOException {
    return LlamaModel.load(
        new BlankWeights(CONFIG, new LatentInitializer(1, 0.02)), manager, ComputeType.FP32);
  }

  private static List<QaRecord> questions(int count) {
    List<QaRecord> questions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      questions.add(new QaRecord("q" + i, "a" + i, Optional.empty()));
    }
    return questions;
  }

  private GrpoTrainer trainer(LlamaModel model, GrpoSettings settings) throws IOException {
    return new GrpoTrainer(
        new GrpoTrainer.Inputs(
            model,
            Tokenizer.byteLevel(),
            Set.of(),
            new WeightedReward(List.of(new WeightedReward.Term("arm", BETTER_ARM, 1))),
            questions(6),
            questions(3)),
        settings,
        RUNTIME,
        directory);
  }

  @Test
  void aTwoArmedPolicyConvergesToTheBetterArm() throws IOException {
    Heard heard = new Heard();
    try (LlamaModel model = model();
        GrpoTrainer trainer = trainer(model, settings(30, 3e-3, 1, 0, 0, Optional.empty()))) {
      trainer.run(heard);
    }

    assertThat(heard.mean("reward", 0, 2)).isBetween(0.4, 0.8);
    assertThat(heard.mean("reward", 25, 30)).isGreaterThan(0.97);
    assertThat(heard.rows.getLast().get("frac_reward_zero_std")).isGreaterThan(0.5);
  }

  @Test
  void aResumedRunWithBothLayersGoesOnBitForBit() throws IOException {
    GrpoSettings settings = settings(4, 1e-3, 3, 0.1, 3, Optional.of(TWO_LAYERS));
    Heard whole = new Heard();
    List<float[]> wanted;
    try (LlamaModel model = model();
        GrpoTrainer trainer = trainer(model, settings)) {
      assertThat(trainer.run(whole)).isTrue();
      wanted = weights(model);
    }
    for (long step : new long[] {2, 4}) {
      Heard resumed = new Heard();
      try (LlamaModel model = model();
          GrpoTrainer trainer = trainer(model, settings)) {
        trainer.resume(directory.resolve(TrainingCheckpoint.name(step)));
        trainer.run(resumed);

        assertThat(weights(model)).usingRecursiveComparison().isEqualTo(wanted);
      }
      assertThat(resumed.rows).isEqualTo(whole.rows.subList((int) step, 4));
      assertThat(whole.answers).endsWith(resumed.answers.toArray(CompletionRecord[]::new));
    }
  }

  private static List<float[]> weights(LlamaModel model) {
    return model.parameters().stream().map(Parameter::value).map(v -> v.toFloatArray()).toList();
  }

  @Test
  void everyMetricOfBothLayersIsAColumnAndSamplerAndGraphAgree() throws IOException {
    GrpoSettings settings = settings(2, 1e-3, 3, 0.1, 0, Optional.of(TWO_LAYERS));
    Heard heard = new Heard();
    try (LlamaModel model = model();
        GrpoTrainer trainer = trainer(model, settings)) {
      trainer.run(heard);
    }

    assertThat(GrpoTrainer.columns(List.of("arm"), settings).metrics())
        .containsAll(heard.rows.getFirst().keySet())
        .containsAll(heard.rows.getLast().keySet())
        .contains(
            "reward/arm",
            "t1",
            "t1_prime",
            "t2",
            "accepted_ratio_1",
            "accepted_ratio_2",
            "eval_t2");
    assertThat(heard.rows).allSatisfy(row -> assertThat(row.get("logp_mismatch")).isLessThan(1e-3));
    assertThat(heard.rows.getFirst())
        .containsKeys("kl", "entropy", "clip_ratio_low", "layer2_loss", "delta_t1_t2");
    assertThat(heard.answers).filteredOn(answer -> answer.layer() == 1).hasSize(2 * 4 * 8);
    assertThat(heard.answers).filteredOn(answer -> answer.layer() == 2).hasSize(2 * 4 * 8 * 2);
    assertThat(heard.started).hasSize(1);
  }

  /// Half of the bytes that a blank model draws are no UTF-8, and each of these becomes three bytes
  /// when the text is encoded again.
  @Test
  void firstAnswersThatBecomeTooLongAreNotCorrectedAndTheRunGoesOn() throws IOException {
    for (CorrectionAdvantage advantage : CorrectionAdvantage.values()) {
      CorrectionSettings correction =
          CorrectionSettings.defaults(8)
              .withCorrections(2)
              .withAdvantage(advantage)
              .withGuidance(GuidingPrompts.of(List.of("?")));
      double beta = advantage == CorrectionAdvantage.GROUP ? 0.1 : 0;
      GrpoSettings settings = settings(2, 1e-3, 54, beta, 0, Optional.of(correction));
      Heard heard = new Heard();
      try (LlamaModel model = model();
          GrpoTrainer trainer = trainer(model, settings)) {
        assertThat(trainer.run(heard)).isTrue();
      }

      assertThat(heard.rows).allSatisfy(row -> assertThat(row.get("prompt_too_long")).isPositive());
      assertThat(heard.rows.getLast().get("eval_prompt_too_long")).isBetween(0.0, 1.0);
      long corrected = heard.answers.stream().filter(answer -> answer.layer() == 2).count();
      double tooLong = heard.mean("prompt_too_long", 0, 2);
      assertThat(corrected).isEqualTo(Math.round(2 * 4 * 8 * 2 * (1 - tooLong)));
      assertThat(GrpoTrainer.columns(List.of("arm"), settings).metrics())
          .containsAll(heard.rows.getLast().keySet());
    }
  }

  @Test
  void aRunWithOtherSettingsOrTooLongAnswersIsRefused() throws IOException {
    GrpoSettings settings = settings(2, 1e-3, 1, 0, 0, Optional.empty());
    GrpoSettings other = settings(2, 2e-3, 1, 0, 0, Optional.empty());
    try (LlamaModel model = model();
        GrpoTrainer first = trainer(model, settings);
        GrpoTrainer second = trainer(model, other)) {
      first.run(new Heard());

      assertThatThrownBy(() -> second.resume(directory.resolve(TrainingCheckpoint.name(2))))
          .hasMessageContaining("lr was 1e-3, now 2e-3");
      assertThatThrownBy(() -> trainer(model, settings(2, 1e-3, 120, 0, 0, Optional.empty())))
          .hasMessageContaining("max_length 120")
          .hasMessageContaining("context of 128");
    }
  }

  @Test
  void aQuestionThatTheGuidingPromptRepeatsIsCountedAsOftenAsItStandsThere() throws IOException {
    try (LlamaModel model = model();
        GrpoTrainer once = trainer(model, settings(guided(" again {query}")))) {
      assertThat(once.description()).isNotEmpty();
      String often = " again " + "{query}".repeat(60);
      assertThatThrownBy(() -> trainer(model, settings(guided(often))))
          .hasMessageContaining("the guiding prompt with its frame of")
          .hasMessageContaining("context of 128");
    }
  }

  private static GrpoSettings settings(CorrectionSettings correction) {
    return settings(2, 1e-3, 1, 0, 0, Optional.of(correction));
  }

  private static CorrectionSettings guided(String phrase) {
    return CorrectionSettings.defaults(3).withGuidance(GuidingPrompts.of(List.of(phrase)));
  }
}
