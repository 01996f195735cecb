package bitnet.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReasoningStepsTest {
  private static final ReasoningSteps STEPS = new ReasoningSteps(new TokenF1());

  @ParameterizedTest
  @CsvSource({
    "<think>a b</think>c, a b",
    "x <think>a</think> y <think>b</think>, a",
    "<think>not ended, not ended",
    "</think>late <think>a</think>, a",
    "none, ''",
    "<think></think>5, ''",
  })
  void reasoningIsWhatStandsInTheFirstPairOfTags(String completion, String expected) {
    assertThat(ReasoningSteps.inside(completion)).isEqualTo(expected);
  }

  @Test
  void stepsArePartedAtSemicolonsLineBreaksAndSentences() {
    assertThat(ReasoningSteps.of("2+4=6; 1+0=1\n\nIt costs 3.50 euros. So pay! "))
        .containsExactly("2+4=6", "1+0=1", "It costs 3.50 euros.", "So pay!");
  }

  /// Shares counted by hand: how many of the reference's steps are found in order.
  @ParameterizedTest
  @CsvSource({
    "1+1=2;2+3=5;4+4=8, 1+1=2;2+3=5;4+4=8, 3",
    "1+1=2;2+3=5;4+4=8, 4+4=8;1+1=2;2+3=5, 2",
    "1+1=2;2+3=5;4+4=8, 1+1=2;so far;4+4=8, 2",
    "1+1=2;2+3=5;4+4=8, 1+1=3;2+3=5, 1",
    "1+1=2;2+3=5;4+4=8, 2+3=5;2+3=5;2+3=5, 1",
    "1+1=2;2+3=5;4+4=8, '', 0",
    "2+4=6;a;b, 4 + 2 = 6, 1",
    "2+4=6;a;b, 2+9=6, 0",
    "2+4=6;a;b, 6, 0",
    "2+4=6;a;b, 1+5=6, 0",
    "2+4=6;a;b, 2+4=7, 0",
    "2+4=6;a;b, 2 + 4.0 = 6, 1",
    "5-3=2;a;b, 3-5=2, 0",
    "5-3=2;a;b, 5 \u2212 3 = 2, 1",
    "2*3=6;a;b, 3 \u00d7 2 = 6, 1",
    "2*3=6;a;b, 2+3=6, 0",
    "(2+3)*4=20;a;b, 4*(2+3)=20, 1",
    "She has 2+4=6 apples.;a;b, She has 4+2=6 apples., 1",
    "She has 2+4=6 apples.;a;b, She has 6 apples., 0",
    "1+1=2 and 2+2=4;a;b, 1+1=2 and 2+2=4, 1",
    "1+1=2 and 2+2=4;a;b, 1+1=2 and 3+1=4, 0",
    "It costs 3 euros.;a;b, It costs 3.0 euros., 1",
    "It costs 3 euros.;a;b, It costs 4 euros., 0",
    "She buys apples.;1+1=2;b, She bought an apple., 1",
  })
  void stepsAreFoundInOrder(String reference, String generated, int found) {
    assertThat(STEPS.correctness(reference, generated)).isCloseTo(found / 3.0, within(1e-12));
  }

  @Test
  void nothingIsMissingOfAReferenceWithoutSteps() {
    assertThat(STEPS.correctness(" ; ", "1+1=2")).isEqualTo(1);
  }

  @Test
  void anEndlessEquationCostsLittle() {
    String endless = "1+".repeat(100_000) + "1=2";
    ReasoningSteps steps = new ReasoningSteps(new TokenF1());

    assertThat(steps.correctness("2+4=6", endless)).isZero();
    assertThat(steps.correctness(endless, "2+4=6")).isZero();
  }
}
