package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.data.RecordSampler;
import bitnet.data.SamplerState;
import bitnet.generation.FinishReason;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.reward.WeightedReward;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptimizerStep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Steps that sample more prompts than an optimizer step learns from.
class RolloutBatchTest {
  private static final int ROLLOUT_BATCH = 4;
  private static final int BATCH = 2;
  private static final double CLIP = 1e-3;

  @TempDir private Path directory;

  /// Four prompts a step, and an optimizer step for every so many of them.
  private static GrpoSettings settings(long steps, int batch) {
    GrpoSettings settings = TinyRun.settings(steps);
    GrpoSettings.Update update = settings.update();
    return settings
        .withRollouts(
            GrpoSettings.Rollout.of(
                ROLLOUT_BATCH, 8, settings.rollouts().maxLength(), settings.sampling()))
        .withLoss(settings.loss().withClip(CLIP, CLIP))
        .withUpdate(
            new GrpoSettings.Update(
                1, false, 0, update.keep(), update.passTokens(), batch, update.targetKl()));
  }

  /// Two optimizer steps by hand: rollouts of one policy, advantages of all of them, then half of
  /// the groups for each.
  private static List<float[]> byHand(GrpoSettings settings) throws IOException {
    TorchOps.prepareThread(1);
    try (NDManager manager = NDManager.newBaseManager();
        Tokenizer tokenizer = Tokenizer.byteLevel();
        LlamaModel model = TinyRun.model(manager);
        RolloutSampler sampler = new RolloutSampler(model, tokenizer, Set.of(), TinyRun.RUNTIME);
        OptimizerStep optimizer = new OptimizerStep(model.ops(), model.parameters())) {
      List<Group> groups =
          GroupAdvantages.of(
              new RewardStage(
                      new WeightedReward(
                          List.of(new WeightedReward.Term("seven", TinyRun.SEVEN, 1))),
                      tokenizer)
                  .score(
                      sampler.sampleGroups(
                          new RecordSampler<>(TinyRun.questions(6), ROLLOUT_BATCH)
                              .batch(SamplerState.start(settings.sampling().seed())),
                          8,
                          1,
                          settings.sampling(),
                          RolloutSampler.Draw.of(0, RolloutSampler.Purpose.FIRST))),
              settings.advantages(),
              false);
      for (List<Group> half : List.of(groups.subList(0, BATCH), groups.subList(BATCH, 4))) {
        PolicyUpdate.Result result =
            new PolicyUpdate(model, optimizer, settings.loss(), null, settings)
                .accumulate(
                    new UpdateBatch(GrpoMetrics.rollouts(half), List.of()), new StepTimes());
        optimizer.apply(settings.schedule().learningRate(0), 0, result.gradNorm(), 1);
        model.ternarize();
      }
      return model.parameters().stream().map(Parameter::value).map(NDArray::toFloatArray).toList();
    }
  }

  @Test
  void oneStepWithTwiceTheBatchMakesTwoOptimizerSteps() throws IOException {
    GrpoSettings settings = settings(1, BATCH);

    List<float[]> trained = TinyRun.of(directory, TinyRun.SEVEN).train(settings).weights();

    List<float[]> expected = byHand(settings);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(trained.get(i)).containsExactly(expected.get(i), within(1e-6f));
    }
  }

  @Test
  void ratiosLeaveOneInTheSecondOptimizerStepOnly() throws IOException {
    TinyRun run = TinyRun.of(directory, TinyRun.SEVEN);

    List<Double> two = run.train(settings(2, BATCH)).heard().column("clip_ratio");
    List<Double> one = run.train(settings(2, 0)).heard().column("clip_ratio");

    assertThat(one).containsOnly(0.0);
    assertThat(two).allSatisfy(ratio -> assertThat(ratio).isPositive());
  }

  @Test
  void aResumedRunGivesTheSameNumbersAsAnUninterruptedOne() throws IOException {
    TinyRun run = TinyRun.of(directory, TinyRun.SEVEN);
    GrpoSettings settings = settings(3, BATCH);
    TinyRun.Ended whole = run.train(settings);

    for (int step = 1; step < 3; step++) {
      TinyRun.Ended resumed = run.resume(settings, step);

      assertThat(resumed.heard().rows).isEqualTo(whole.heard().rows.subList(step, 3));
      assertThat(resumed.weights()).usingRecursiveComparison().isEqualTo(whole.weights());
    }
  }

  @Test
  void theLastBatchHasTheRestAndReplaysAreDealtOut() {
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      groups.add(new Group("q" + i, "7", null, List.of(rollout(i))));
    }

    List<UpdateBatch> batches =
        UpdateBatch.of(groups, 2, List.of(rollout(10), rollout(11), rollout(12), rollout(13)));

    assertThat(batches)
        .extracting(batch -> prompts(batch.rollouts()))
        .containsExactly(List.of(0, 1), List.of(2, 3), List.of(4));
    assertThat(batches)
        .extracting(batch -> prompts(batch.replayed()))
        .containsExactly(List.of(10, 13), List.of(11), List.of(12));
    assertThat(UpdateBatch.of(List.of(), 2, List.of())).hasSize(1);
  }

  private static Rollout rollout(int number) {
    return new Rollout(
        new int[] {number},
        new int[] {1},
        Rollout.Sampled.of(-0.5),
        FinishReason.EOS,
        "",
        null,
        null);
  }

  private static List<Integer> prompts(List<Rollout> rollouts) {
    return rollouts.stream().map(rollout -> rollout.prompt()[0]).toList();
  }
}
