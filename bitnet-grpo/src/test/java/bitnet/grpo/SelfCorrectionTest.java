package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.generation.FinishReason;
import bitnet.generation.SamplingSettings;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.reward.FinalAnswer;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SelfCorrectionTest {
  private static final int CONTEXT = 128;

  private static Rollout answer(String text, boolean correct) {
    double reward = correct ? 1 : 0;
    return new Rollout(
        new int[] {1},
        new int[] {2},
        Rollout.Sampled.of(-0.5),
        FinishReason.EOS,
        text,
        new RolloutReward(reward, new double[] {reward}, new double[] {reward}, correct),
        null);
  }

  /// An empty answer is corrected like any other. One of replacement characters has three bytes for
  /// each, and so many of them that no correction fits.
  @Test
  void answersAreCorrectedWhereThePromptFits() throws IOException {
    LlamaConfig config = LlamaConfig.of(256, 64, 96, 1, 2).withContextLength(CONTEXT);
    try (Tokenizer tokenizer = Tokenizer.byteLevel();
        RolloutSampler rollouts =
            new RolloutSampler(
                new BlankWeights(config, new LatentInitializer(1, 0.02)),
                tokenizer,
                Set.of(),
                RuntimeSettings.exact().withThreads(1))) {
      SamplingSettings sampling = new SamplingSettings(1, 0, 1, 0, 1, 3);
      SelfCorrection correction =
          new SelfCorrection(
              rollouts,
              new LocalRollouts(
                  rollouts,
                  new RewardStage(
                      new WeightedReward(
                          List.of(new WeightedReward.Term("exact", new FinalAnswer(), 1))),
                      tokenizer)),
              CorrectionSettings.defaults(4).withGuidance(GuidingPrompts.of(List.of("?"))),
              GrpoSettings.Rollout.of(1, 3, 4, sampling));
      List<Rollout> answers =
          List.of(answer("\uFFFD".repeat(40), false), answer("", false), answer("2", true));

      Corrections corrections =
          correction.correct(
              List.of(new Group("1+1=", "2", null, answers)),
              2,
              sampling,
              0,
              RolloutSampler.Purpose.CORRECTION,
              new StepTimes());

      List<Integer> sizes = new ArrayList<>();
      corrections.groups().forEach(group -> sizes.add(group.rollouts().size()));
      assertThat(sizes).containsExactly(0, 2, 2);
      assertThat(corrections.groups())
          .extracting(group -> Corrections.first(group).text())
          .containsExactlyElementsOf(answers.stream().map(Rollout::text).toList());
    }
  }
}
