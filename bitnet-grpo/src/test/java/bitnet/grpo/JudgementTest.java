package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import bitnet.data.QaRecord;
import bitnet.reward.RewardScore;
import bitnet.reward.WeightedReward;
import bitnet.training.PromptedText;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JudgementTest {
  private static final QaRecord QUESTION = new QaRecord("1+1=", "2", Optional.empty());

  private static Sample sample(String text, int tokens) {
    return new Sample(
        new PromptedText(new int[] {1}, new int[tokens]), new double[tokens], text, false);
  }

  private static WeightedReward rewards(WeightedReward.Term... terms) {
    return new WeightedReward(List.of(terms));
  }

  @Test
  void aRewardOfTheWholeCountsForEveryToken() {
    WeightedReward rewards =
        rewards(
            new WeightedReward.Term("a", (q, r, c) -> RewardScore.of(1), 0.7),
            new WeightedReward.Term("b", (q, r, c) -> RewardScore.of(0.5), 0.2));

    Judgement judgement = Judgement.of(rewards, QUESTION, sample("2", 3), new int[] {1, 1, 1});

    assertThat(judgement.tokenScores())
        .containsExactly(new double[] {0.8, 0.8, 0.8}, offset(1e-12));
    assertThat(judgement.reward()).isCloseTo(0.8, offset(1e-12));
    assertThat(judgement.outcomes()).containsExactly(1, 0.5);
    assertThat(judgement.right()).isTrue();
  }

  @Test
  void aDenseRewardCountsForTheTokensUpToItsParts() {
    RewardScore dense =
        new RewardScore(0.5, List.of(new RewardScore.Part(1, 0.9), new RewardScore.Part(3, 0.1)));
    WeightedReward rewards = rewards(new WeightedReward.Term("dense", (q, r, c) -> dense, 2));

    // characters 1, 2, 3, then a token that ends the text
    Judgement judgement = Judgement.of(rewards, QUESTION, sample("abc", 4), new int[] {1, 2, 3, 3});

    assertThat(judgement.tokenScores())
        .containsExactly(new double[] {1.0, 0.2, 0.2, 0.2}, offset(1e-12));
    assertThat(judgement.right()).isFalse();
  }

  @Test
  void advantagesOfTokensAreTakenOverTheMeanOfTheGroup() {
    Judgement good = new Judgement(1, new double[] {1}, new double[] {1, 0.8}, true);
    Judgement bad = new Judgement(0, new double[] {0}, new double[] {0}, false);

    double[][] advantages = Judgement.advantages(List.of(good, bad), 2, RewardScaling.NONE);

    assertThat(advantages[0]).containsExactly(new double[] {0.5, 0.3}, offset(1e-12));
    assertThat(advantages[1]).containsExactly(-0.5);
  }
}
