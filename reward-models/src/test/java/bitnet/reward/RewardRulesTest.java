package bitnet.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RewardRulesTest {

  @ParameterizedTest
  @ValueSource(
      strings = {"<think>a</think>b", " <think>\na\n</think>\n b\n", "<think>1 < 2</think><b>"})
  void reasoningThenAnswerIsWellFormed(String completion) {
    assertThat(new Format().score("q", "r", completion).outcome()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "b",
        "<think>a",
        "a</think>b",
        "<think>a</think>",
        "<think> </think>b",
        "x<think>a</think>b",
        "<think>a</think>b</think>c",
        "<think>a<think>b</think>c",
        "<think>a</think>b<think>c</think>d",
        "</think>a<think>b",
        "<think></think",
      })
  void allElseIsNot(String completion) {
    assertThat(new Format().score("q", "r", completion).outcome()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "10, 0", "15, -0.5", "20, -1", "1000, -1"})
  void lengthIsPunishedAlongALine(int characters, double outcome) {
    assertThat(new LengthPenalty(10, 20).score("q", "r", "x".repeat(characters)).outcome())
        .isEqualTo(outcome);
  }

  @ParameterizedTest
  @CsvSource({"-1, 5", "5, 5", "6, 5"})
  void aLengthThatIsNoRangeIsRefused(int free, int limit) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LengthPenalty(free, limit))
        .withMessageContaining("length(%d, %d) is not a range", free, limit);
  }

  @Test
  void partScoresKeepTheirSumOnOtherTokens() {
    RewardScore score =
        new RewardScore(
            0.5,
            List.of(
                new RewardScore.Part(2, 1),
                new RewardScore.Part(3, 2),
                new RewardScore.Part(7, 4),
                new RewardScore.Part(9, 8)));

    assertThat(score.isDense()).isTrue();
    assertThat(score.onto(new int[] {2, 5, 7})).containsExactly(1, 2, 12);
    assertThat(score.onto(new int[] {9})).containsExactly(15);
    assertThat(score.onto(new int[] {1, 2, 3, 7, 9})).containsExactly(0, 1, 2, 4, 8);
    assertThat(RewardScore.of(1).isDense()).isFalse();
    assertThat(RewardScore.of(1).onto(new int[] {1, 2})).containsExactly(0, 0);
  }

  @Test
  void scoresAreFiniteAndInOrder() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RewardScore.of(Double.NaN))
        .withMessageContaining("NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RewardScore.Part(-1, 0))
        .withMessageContaining("invalid part with end -1");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new RewardScore(0, List.of(new RewardScore.Part(3, 0), new RewardScore.Part(2, 0))))
        .withMessageContaining("part 1 ends at 2");
  }
}
