package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import bitnet.generation.FinishReason;
import bitnet.reward.RewardScore;
import bitnet.reward.WeightedReward;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Rewards of completions, and the advantages made of them.
class AdvantagesTest {

  private static Rollout rollout(String text, int tokens, FinishReason finish) {
    return new Rollout(
        new int[] {1},
        new int[tokens],
        new Rollout.Sampled(new double[tokens], new double[tokens], new int[0][]),
        finish,
        text,
        null,
        null);
  }

  private static Rollout scored(FinishReason finish, double... tokenScores) {
    double total = tokenScores[0];
    return rollout("", tokenScores.length, finish)
        .withReward(new RolloutReward(total, new double[] {total}, tokenScores, total > 0));
  }

  private static Rollout scored(double... tokenScores) {
    return scored(FinishReason.EOS, tokenScores);
  }

  private static RolloutReward score(WeightedReward.Term term, String text, int... ends) {
    return RewardStage.score(
        new WeightedReward(List.of(term)),
        "1+1=",
        "2",
        rollout(text, ends.length, FinishReason.EOS),
        ends);
  }

  private static double[][] advantages(RewardScaling scaling, Rollout... rollouts) {
    return GroupAdvantages.of(
            List.of(new Group("q", "a", null, List.of(rollouts))),
            GrpoSettings.AdvantageSettings.of(scaling),
            false)
        .getFirst()
        .rollouts()
        .stream()
        .map(rollout -> rollout.learnable().values())
        .toArray(double[][]::new);
  }

  @Test
  void aRewardOfTheWholeCountsForEveryToken() {
    WeightedReward rewards =
        new WeightedReward(
            List.of(
                new WeightedReward.Term("a", (q, r, c) -> RewardScore.of(1), 0.7),
                new WeightedReward.Term("b", (q, r, c) -> RewardScore.of(0.5), 0.2)));

    RolloutReward reward =
        RewardStage.score(
            rewards, "1+1=", "2", rollout("2", 3, FinishReason.EOS), new int[] {1, 1, 1});

    assertThat(reward.tokenScores()).containsExactly(new double[] {0.8, 0.8, 0.8}, offset(1e-12));
    assertThat(reward.total()).isCloseTo(0.8, offset(1e-12));
    assertThat(reward.outcomes()).containsExactly(1, 0.5);
    assertThat(reward.correct()).isTrue();
  }

  @Test
  void aDenseRewardCountsForTheTokensUpToItsParts() {
    RewardScore dense =
        new RewardScore(0.5, List.of(new RewardScore.Part(1, 0.9), new RewardScore.Part(3, 0.1)));

    // characters 1, 2, 3, then a token that ends the text
    RolloutReward reward =
        score(new WeightedReward.Term("dense", (q, r, c) -> dense, 2), "abc", 1, 2, 3, 3);

    assertThat(reward.tokenScores())
        .containsExactly(new double[] {1.0, 0.2, 0.2, 0.2}, offset(1e-12));
    assertThat(reward.correct()).isFalse();
  }

  @Test
  void advantagesOfTokensAreTakenOverTheMeanOfTheGroup() {
    double[][] advantages = advantages(RewardScaling.NONE, scored(1, 0.8), scored(0));

    assertThat(advantages[0]).containsExactly(new double[] {0.5, 0.3}, offset(1e-12));
    assertThat(advantages[1]).containsExactly(-0.5);
  }

  @Test
  void groupScalingDividesByTheStandardDeviationOfTheGroup() {
    double[][] advantages = advantages(RewardScaling.GROUP, scored(1), scored(0), scored(0));

    // mean 1/3, standard deviation with n - 1: sqrt(1/3)
    double deviation = Math.sqrt(1.0 / 3) + 1e-4;
    assertThat(advantages[0][0]).isCloseTo(2.0 / 3 / deviation, offset(1e-12));
    assertThat(advantages[1][0]).isCloseTo(-1.0 / 3 / deviation, offset(1e-12));
  }

  @ParameterizedTest
  @EnumSource(RewardScaling.class)
  void equalDenseRewardsLeaveNothingToCompare(RewardScaling scaling) {
    double[][] advantages = advantages(scaling, scored(0.5, 0.1), scored(0.5, 0.1));

    assertThat(Arrays.stream(advantages).flatMapToDouble(Arrays::stream))
        .allMatch(advantage -> advantage == 0);
  }

  @Test
  void truncatedCompletionsAreExcludedOnRequest() {
    Group group = new Group("q", "a", null, List.of(scored(1), scored(FinishReason.LENGTH, 0.0)));

    List<Rollout> masked =
        GroupAdvantages.of(
                List.of(group), GrpoSettings.AdvantageSettings.of(RewardScaling.GROUP), true)
            .getFirst()
            .rollouts();

    assertThat(masked.get(0).learnable().counted()).isTrue();
    assertThat(masked.get(1).learnable().counted()).isFalse();
    assertThat(masked.get(1).hasAdvantage()).isFalse();
  }

  @Test
  void groupsAreTheSameAfterAWayThroughJson() throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    Group group =
        new Group(
            "q",
            "a",
            scored(0),
            List.of(
                scored(1, 0.5)
                    .withAdvantages(new Rollout.Advantages(new double[] {0.25, -0.25}, true))));

    Group read = mapper.readValue(mapper.writeValueAsString(group), Group.class);

    assertThat(read).usingRecursiveComparison().isEqualTo(group);
  }

  @Test
  void stagesRefuseRolloutsOfAnEarlierStage() {
    Group group = new Group("q", "a", null, List.of(rollout("x", 2, FinishReason.EOS)));

    assertThatThrownBy(
            () ->
                GroupAdvantages.of(
                    List.of(group), GrpoSettings.AdvantageSettings.of(RewardScaling.GROUP), false))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the rollout has no reward; score it first");
  }
}
