package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.generation.FinishReason;
import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The soft penalty of overlong completions: equation 13 of DAPO, arXiv 2503.14476.
class OverlongTest {
  private static final int MAX_LENGTH = 4;
  private static final Reward ALWAYS = (query, reference, completion) -> RewardScore.of(1);

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({"1, 0", "6, 0", "7, 0.125", "8, 0.25", "9, 0.375", "10, 0.5"})
  void thePenaltyRisesOverTheLastTokens(int length, double expected) {
    assertThat(new GrpoSettings.Overlong(4, 0.5).of(length, 10)).isEqualTo(expected);
    assertThat(GrpoSettings.Overlong.OFF.of(length, 10)).isZero();
  }

  @Test
  void itIsTakenFromTheTotalAndFromTheScoreOfEveryToken() {
    Rollout rollout =
        new Rollout(
            new int[] {1},
            new int[] {2, 3, 4},
            Rollout.Sampled.of(-1, -1, -1),
            FinishReason.LENGTH,
            "abc",
            new RolloutReward(0.9, new double[] {0.9}, new double[] {0.9, 0.8, 0.7}, true),
            null);

    RolloutReward reward =
        new GrpoSettings.Overlong(2, 0.5)
            .applyTo(List.of(new Group("q", "a", null, List.of(rollout))), 4)
            .getFirst()
            .rollouts()
            .getFirst()
            .scored();

    assertThat(reward.total()).isCloseTo(0.65, within(1e-12));
    assertThat(reward.tokenScores())
        .containsExactly(new double[] {0.65, 0.55, 0.45}, within(1e-12));
    assertThat(reward.outcomes()).containsExactly(0.9);
    assertThat(reward.correct()).isTrue();
  }

  /// Completions of up to 4 tokens, corrections of up to 3.
  private static GrpoSettings settings(int buffer, boolean corrected) {
    GrpoSettings settings = TinyRun.settings(1);
    return settings
        .withRollouts(
            new GrpoSettings.Rollout(
                2,
                8,
                MAX_LENGTH,
                settings.sampling(),
                GrpoSettings.DynamicSampling.OFF,
                new GrpoSettings.Overlong(buffer, 0.5)))
        .withCorrection(
            corrected
                ? Optional.of(
                    CorrectionSettings.defaults(3).withAdvantage(CorrectionAdvantage.SIGNED))
                : Optional.empty());
  }

  @Test
  void theLogHasTheRewardAfterThePenaltyAndTheOutcomesBeforeIt() throws IOException {
    Heard heard = TinyRun.of(directory, ALWAYS).train(settings(4, false)).heard();

    double length = heard.rows.getFirst().getOrDefault("completion_length_mean", Double.NaN);
    assertThat(heard.rows.getFirst().get("reward")).isCloseTo(1 - 0.5 * length / 4, within(1e-9));
    assertThat(heard.rows.getFirst()).containsEntry("reward/seven", 1.0);
    assertThat(heard.answers).extracting(CompletionRecord::reward).contains(0.5);
  }

  /// The rise of a reward compares like with like: a correction of the full length has not risen
  /// over a first answer of the full length.
  @Test
  void correctionsHaveThePenaltyOfTheirOwnMaximumLength() throws IOException {
    Heard heard = TinyRun.of(directory, ALWAYS).train(settings(1, true)).heard();

    for (int layer = 1; layer <= 2; layer++) {
      assertThat(heard.answers(1, layer)).hasSizeGreaterThan(15);
      assertThat(heard.answers(1, layer))
          .allSatisfy(
              answer -> assertThat(answer.reward()).isEqualTo(answer.truncated() ? 0.5 : 1));
      assertThat(heard.answers(1, layer)).anyMatch(CompletionRecord::truncated);
    }
  }

  @Test
  void aBufferThatIsLongerThanTheCompletionsIsRefused() {
    assertThatThrownBy(() -> settings(5, false))
        .hasMessage("overlong_buffer 5 is more than max_length 4; use a fifth of it");
    assertThatThrownBy(() -> settings(4, true))
        .hasMessage("overlong_buffer 4 is more than second_max_length 3; use a fifth of it");
    assertThatThrownBy(() -> new GrpoSettings.Overlong(1, -0.5))
        .hasMessage("overlong_penalty -0.5 is not a finite number of at least 0; use 1");
  }
}
