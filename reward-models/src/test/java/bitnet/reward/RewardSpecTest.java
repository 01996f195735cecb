package bitnet.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.data.Offset.offset;

import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RewardSpecTest {
  private static final String GOOD = "<think>a</think>big automobile";
  private static final String REFERENCE = "large car seat";

  /// A user's own: the share of the completion that is `a`, character by character.
  public static final class Vowels implements Reward {
    /// For the command line.
    public Vowels() {}

    @Override
    public RewardScore score(String query, String reference, String completion) {
      List<RewardScore.Part> parts =
          IntStream.range(0, completion.length())
              .mapToObj(i -> new RewardScore.Part(i + 1, completion.charAt(i) == 'a' ? 1 : 0))
              .toList();
      return new RewardScore(
          parts.stream().mapToDouble(RewardScore.Part::score).average().orElse(0), parts);
    }
  }

  /// Cannot be made without an argument.
  public static final class NeedsWord implements Reward {
    private final String word;

    /// @param word wanted in every completion
    public NeedsWord(String word) {
      this.word = word;
    }

    @Override
    public RewardScore score(String query, String reference, String completion) {
      return RewardScore.of(completion.contains(word) ? 1 : 0);
    }
  }

  private static double outcome(List<String> rewards, List<Double> weights, String completion)
      throws IOException {
    try (WeightedReward reward = new RewardSpec(rewards, weights).open()) {
      return reward.score("q", REFERENCE, completion).outcome();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      value = {
        "f1 % 0.8",
        "qa_reward % 0.8",
        "f1(no_articles) % 0.8",
        "0.5*f1( no_articles )+0.5*format % 0.9",
        "final_answer % 0",
        "exact % 0",
        "format % 1",
        "length % 0",
        "length(10,40) % -0.6666666667", // of 30 characters
        "random(0) % 0",
        "random(1) - random(0.0) % 1",
        "0.7*f1+0.3*format % 0.86",
        " 0.7 * f1 + 0.3 * format % 0.86",
        "f1*format - 0.5 % 0.3",
        "2*(f1+format)/4 % 0.9",
        "-format + 1 - -f1 % 0.8",
        "1 - 0.5 - 0.25 % 0.25",
        "8/4/2 % 1",
        "format + length(10,40) + length(10, 20) % -0.6666666667",
        "bitnet.reward.RewardSpecTest$Vowels % 0.0666666667",
      })
  void aRewardIsNamedOrComputed(String spec, double expected) throws IOException {
    assertThat(outcome(List.of(spec), List.of(), GOOD)).isCloseTo(expected, offset(1e-9));
  }

  @Test
  void aRandomRewardIsTheSameForTheSameTextsAndAsOftenOneAsAskedFor() throws IOException {
    for (double probability : new double[] {0.125, 0.5}) {
      try (WeightedReward reward =
          new RewardSpec(List.of("random(%s)".formatted(probability)), List.of()).open()) {
        double sum =
            IntStream.range(0, 4000)
                .mapToDouble(i -> reward.scores("q" + i % 7, "r", "a" + i).getFirst().outcome())
                .sum();

        assertThat(sum / 4000).isCloseTo(probability, offset(0.03));
        assertThat(reward.scores("q", "r", "a")).isEqualTo(reward.scores("q", "other", "a"));
      }
    }
  }

  @Test
  void rewardsAddUpByWeightAndCountOnceWithout() throws IOException {
    List<String> both = List.of("f1", "format");
    assertThat(outcome(both, List.of(0.7, 0.3), GOOD)).isCloseTo(0.86, offset(1e-9));
    assertThat(outcome(both, List.of(), GOOD)).isCloseTo(1.8, offset(1e-9));
    assertThat(outcome(both, List.of(-1.0, 0.0), GOOD)).isCloseTo(-0.8, offset(1e-9));
  }

  @Test
  void everyRewardOfASumCanBeSeenAndItsPartsAreWeighted() throws IOException {
    String own = Vowels.class.getName();
    try (WeightedReward reward = new RewardSpec(List.of(own, "format"), List.of(0.5, 2.0)).open()) {
      List<RewardScore> scores = reward.scores("q", "r", "ab");

      assertThat(reward.terms())
          .extracting(WeightedReward.Term::name)
          .containsExactly(own, "format");
      assertThat(scores).extracting(RewardScore::outcome).containsExactly(0.5, 0.0);
      RewardScore sum = reward.weigh(scores);
      assertThat(sum.outcome()).isEqualTo(0.25);
      assertThat(sum.parts())
          .containsExactly(new RewardScore.Part(1, 0.5), new RewardScore.Part(2, 0));
    }
  }

  @Test
  void weightsMustMatchTheRewards() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RewardSpec(List.of("f1", "format"), List.of(0.7)))
        .withMessage(
            "1 reward_weights [0.7] do not match 2 reward_model [f1, format]; give one weight for"
                + " each");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RewardSpec(List.of(), List.of()))
        .withMessageContaining("no reward is named");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RewardSpec(List.of("f1"), List.of(Double.NaN)).open())
        .withMessageContaining("weight NaN of f1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      value = {
        "f2 % reward \"f2\" is unknown; use f1",
        "0.7*f1+0.3*fromat % reward \"fromat\" is unknown",
        "runs/none % reward \"runs\" is unknown",
        "f1(3) % reward f1(3) has an unknown argument; write f1 or f1(no_articles)",
        "format(3) % takes no arguments",
        "length(a,b) % needs two whole numbers",
        "length(3) % needs two whole numbers",
        "length(20,10) % length(20, 10) is not a range",
        "random(1.5) % random(1.5) is not a probability from 0 to 1",
        "random(a) % needs one probability, as in random(0.5)",
        "0.7*f1+ % a number, a name or a bracket is wanted at character 8, the end",
        "0.7 f1 % an operator is wanted at character 5, not \"f\"",
        "(f1 % \")\" is wanted at character 4, the end",
        "1.2.3*f1 % a number is wanted at character 1",
        "com.example.Missing % reward class com.example.Missing is not on the class path",
        "java.lang.String % class java.lang.String does not implement bitnet.reward.Reward",
        "bitnet.reward.RewardSpecTest$NeedsWord % cannot be instantiated; give it a public no-argument",
      })
  void whatCannotBeReadIsRefusedWithTheReason(String spec, String said) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RewardSpec(List.of(spec), List.of()).open())
        .withMessageContaining(said);
  }

  @ParameterizedTest
  @ValueSource(strings = {"((((", "(", ""})
  void unfinishedExpressionsEndWithAMessage(String spec) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RewardSpec(List.of(spec), List.of()).open())
        .withMessageContaining("is wanted at character");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RewardSpec(List.of("(".repeat(100_000)), List.of()).open())
        .withMessageContaining("fewer brackets");
  }

  @Test
  void aQuotientByZeroIsNoReward() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> outcome(List.of("1/final_answer"), List.of(), GOOD))
        .withMessageContaining("not a finite number");
  }
}
