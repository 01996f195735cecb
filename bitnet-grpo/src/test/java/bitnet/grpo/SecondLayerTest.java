package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What the second layer of a run learns from. Where no policy has changed since it sampled, the
/// loss is the mean advantage with its sign turned.
class SecondLayerTest {
  /// A different reward for each byte.
  private static final Reward BYTES =
      (query, reference, completion) -> RewardScore.of(completion.hashCode() % 256 / 256.0);

  @TempDir private Path directory;

  private static GrpoSettings settings(long steps, CorrectionSettings correction) {
    return TinyRun.settings(steps).withCorrection(Optional.of(correction));
  }

  private static CorrectionSettings correction() {
    return CorrectionSettings.defaults(1).withReplay(new CorrectionSettings.Replay(64, 0, 0));
  }

  /// The rise of each correction's reward over that of its first answer.
  private static List<Double> rises(Heard heard) {
    Map<String, Double> firsts = new HashMap<>();
    heard
        .answers(1, 1)
        .forEach(answer -> firsts.put(answer.query() + answer.completion(), answer.reward()));
    return heard.answers(1, 2).stream()
        .map(
            answer ->
                answer.reward() - firsts.getOrDefault(answer.query() + answer.first(), Double.NaN))
        .toList();
  }

  private Heard train(CorrectionAdvantage advantage) throws IOException {
    return TinyRun.of(directory, BYTES)
        .train(settings(1, correction().withAdvantage(advantage)))
        .heard();
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(value -> value).average().orElse(0);
  }

  @Test
  void signedAdvantagesAreSecondLessFirst() throws IOException {
    Heard heard = train(CorrectionAdvantage.SIGNED);

    double rise = mean(rises(heard));
    assertThat(Math.abs(rise)).isGreaterThan(0.01);
    assertThat(heard.rows.getFirst().get("layer2_loss")).isCloseTo(-rise, within(1e-4));
    Map<String, Double> row = heard.rows.getFirst();
    assertThat(
            row.getOrDefault("layer2_reward", Double.NaN) - row.getOrDefault("reward", Double.NaN))
        .isCloseTo(rise, within(1e-9));
  }

  @Test
  void onlyRisesCountByDefault() throws IOException {
    Heard heard = train(CorrectionAdvantage.IMPROVED);

    List<Double> rises = rises(heard).stream().map(rise -> Math.max(0, rise)).toList();
    assertThat(rises).contains(0.0);
    assertThat(mean(rises)).isGreaterThan(0.01);
    assertThat(heard.rows.getFirst().get("layer2_loss")).isCloseTo(-mean(rises), within(1e-4));
  }

  @Test
  void advantagesRelativeToTheGroupAddUpToNothing() throws IOException {
    Heard heard = train(CorrectionAdvantage.GROUP);

    assertThat(heard.rows.getFirst().get("layer2_loss")).isCloseTo(0, within(1e-4));
    assertThat(heard.rows.getFirst().get("layer2_grad_norm")).isPositive();
  }

  @ParameterizedTest
  @EnumSource(CorrectionAdvantage.class)
  void aVerifierThatRejectsEverythingLeavesNothingToLearnFromImprovements(
      CorrectionAdvantage advantage) throws IOException {
    CorrectionSettings rejecting =
        correction()
            .withAdvantage(advantage)
            .withReplay(new CorrectionSettings.Replay(64, 8, 0))
            .withVerifier(new VerifierSpec(RejectingVerifier.class.getName(), 0));

    Heard heard = TinyRun.of(directory, BYTES).train(settings(2, rejecting)).heard();

    for (Map<String, Double> row : heard.rows) {
      assertThat(row).containsEntry("accepted_ratio", 0.0).containsEntry("buffer_size", 0.0);
      assertThat(row.containsKey("layer2_loss"))
          .isEqualTo(advantage != CorrectionAdvantage.IMPROVED);
      assertThat(row.containsKey("layer2_step_kl"))
          .isEqualTo(advantage != CorrectionAdvantage.IMPROVED);
    }
  }

  @Test
  void replaysAreAsOldAsTheAgeAllows() throws IOException {
    CorrectionSettings fresh = correction().withReplay(new CorrectionSettings.Replay(64, 8, 1));
    CorrectionSettings all = correction().withReplay(new CorrectionSettings.Replay(64, 64, 0));
    TinyRun run = TinyRun.of(directory, BYTES);

    assertThat(run.train(settings(4, fresh)).heard().column("replay_age"))
        .containsExactly(Double.NaN, 1.0, 1.0, 1.0);
    assertThat(run.train(settings(4, all)).heard().column("replay_age").getLast())
        .isBetween(1.1, 3.0);
  }

  @Test
  void replaysAreLearnedFromWithTheProbabilitiesOfTheirTime() throws IOException {
    CorrectionSettings replaying =
        correction().withReplay(new CorrectionSettings.Replay(64, 64, 0));

    Heard heard = TinyRun.of(directory, BYTES).train(settings(3, replaying)).heard();

    assertThat(heard.rows.getFirst()).doesNotContainKey("layer2_replay_drift");
    for (Map<String, Double> row : heard.rows.subList(1, 3)) {
      assertThat(row.get("layer2_replay_drift")).isGreaterThan(1e-3);
      assertThat(row.get("layer2_logp_mismatch")).isLessThan(1e-4);
    }
  }

  @Test
  void questionsAreAnsweredAgainOnlyIfAsked() throws IOException {
    TinyRun run = TinyRun.of(directory, TinyRun.SEVEN);

    Map<String, Double> asked =
        run.train(settings(1, correction().withAnswersAgain(true))).heard().rows.getFirst();
    Map<String, Double> plain = run.train(settings(1, correction())).heard().rows.getFirst();

    assertThat(asked.get("t1_prime")).isBetween(0.0, 1.0);
    assertThat(plain).doesNotContainKey("t1_prime");
    // two prompts with 8 completions of one token more
    assertThat(asked)
        .containsEntry("num_tokens", plain.getOrDefault("num_tokens", Double.NaN) + 16);
  }

  @Test
  void thePenaltyOfBothLayersIsLoggedOnlyWhereThereIsOne() throws IOException {
    GrpoSettings plain = settings(1, correction().withAdvantage(CorrectionAdvantage.SIGNED));
    GrpoSettings compared = plain.withLoss(plain.loss().withBeta(0.1));
    TinyRun run = TinyRun.of(directory, BYTES);

    assertThat(run.train(plain).heard().rows.getFirst()).doesNotContainKeys("kl", "layer2_kl");
    assertThat(run.train(compared).heard().rows.getFirst()).containsKeys("kl", "layer2_kl");
  }
}
